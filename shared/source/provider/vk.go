package provider

import (
	"net/http"
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// VK's Callback API has the secret key in the body. It asks once for a string that is shown in the settings of the community,
// which challenge.answer has, and wants to read "ok" for everything else.
// Source: https://dev.vk.com/ru/api/callback/getting-started
func init() {
	Register(Provider{
		Name:           "vk",
		Path:           "/vk/webhook",
		PublishTimeout: 4 * time.Second,
		Proof:          proof.BodyToken("/secret"),
		// The first request may come before the secret is entered.
		Challenge: Challenge{Method: http.MethodPost, When: []string{"/type=confirmation"}, Unsigned: true},
		Answers:   []Answer{{Body: "ok"}},
		Read: mapping.Mapping{
			Type:     "/type",
			Instance: "/group_id",
			ID:       []string{"/event_id"},
			Order:    "/object/message/peer_id | /object/peer_id | /object/user_id | /object/from_id",
			SentAt:   "/object/message/date | /object/date",
		},
	})
}
