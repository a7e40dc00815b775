package provider

import (
	"net/http"
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// Twitch's EventSub signs id, time and body, and wants a challenge back when somebody subscribes.
// Source: https://dev.twitch.tv/docs/eventsub/handling-webhook-events/
func init() {
	Register(Provider{
		Name:           "twitch",
		Path:           "/twitch/webhook",
		PublishTimeout: 4 * time.Second,
		Proof: proof.Signature{
			Header: "Twitch-Eventsub-Message-Signature", Prefix: "sha256=", Signed: "{id}{timestamp}{body}",
			TimestampHeader: "Twitch-Eventsub-Message-Timestamp", IDHeader: "Twitch-Eventsub-Message-Id",
			Tolerance: 10 * time.Minute,
		}.MustProof(),
		Challenge: Challenge{
			Method: http.MethodPost, When: []string{"header:Twitch-Eventsub-Message-Type=webhook_callback_verification"},
			Echo: "/challenge", Answer: Answer{Body: PlaceEcho},
		},
		Read: mapping.Mapping{
			Type:     "/subscription/type | header:Twitch-Eventsub-Subscription-Type",
			Instance: "/subscription/condition/broadcaster_user_id",
			ID:       []string{"header:Twitch-Eventsub-Message-Id"},
			Order:    "/subscription/condition/broadcaster_user_id",
			SentAt:   "header:Twitch-Eventsub-Message-Timestamp",
		},
	})
}
