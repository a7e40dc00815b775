package source

import (
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
)

const (
	standardID   = "Webhook-Id"
	standardTime = "Webhook-Timestamp"
)

// Standard Webhooks is what Svix and many others send: id, time and body are signed, several times over while a secret
// is changed. Nothing is in order.
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func init() {
	register(Provider{
		Name:     "standard-webhooks",
		Path:     "/standard-webhooks/webhook",
		Patience: 10 * time.Second, // They wait for 15 to 30.
		Proof: Signature{
			Header: "Webhook-Signature", Separator: " ", Prefix: "v1,", Encoding: EncodingBase64,
			Signed: "{id}.{timestamp}.{body}", TimestampHeader: standardTime, IDHeader: standardID, SecretPrefix: "whsec_",
		}.mustProof(),
		GivesSecret: true,
		TypeAt:      "/type",
		Header:      []string{standardID, standardTime},
		Peek: func(n *notification.Notification) (kind, instance string) {
			return gjson.GetBytes(n.Body, "type").Str, ""
		},
		Identify: func(n *notification.Notification, body *notification.Document) notification.Identity {
			id := firstOf(n.Header[standardID], body.Fingerprint())
			return notification.Identity{
				Type: body.String("type"), OrderKey: id, // Nothing is in order, so each goes its own way.
				SentAt: timeFrom(firstOf(body.String("timestamp"), n.Header[standardTime])),
				Key:    notification.Key(n.Source, id),
			}
		},
	})
}
