package provider

import (
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// Viber signs the body with the bot's token, and calls once when the webhook is set.
// Source: https://developers.viber.com/docs/api/rest-bot-api/#callbacks
func init() {
	Register(Provider{
		Name:           "viber",
		Path:           "/viber/webhook",
		PublishTimeout: 4 * time.Second,
		Proof:          proof.Signature{Header: "X-Viber-Content-Signature"}.MustProof(),
		GivesSecret:    true,
		Read: mapping.Mapping{
			Type:   "/event",
			ID:     []string{"/message_token", "/user_id"},
			Order:  "/sender/id | /user_id | /user/id",
			SentAt: "/timestamp",
		},
	})
}
