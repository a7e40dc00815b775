package source

import (
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
)

// Stripe signs time and body, several times over while a secret is changed. It sends again for three days and in no
// order; each event has the object as it was then.
// Source: https://docs.stripe.com/webhooks
func init() {
	register(Provider{
		Name:     "stripe",
		Path:     "/stripe/webhook",
		Patience: 8 * time.Second,
		Proof: Signature{
			Header: "Stripe-Signature", Separator: ",", Prefix: "v1=", TimestampPrefix: "t=", Signed: "{timestamp}.{body}",
		}.mustProof(),
		GivesSecret: true,
		TypeAt:      "/type",
		Peek: func(n *notification.Notification) (kind, instance string) {
			found := gjson.GetManyBytes(n.Body, "type", "account")
			return found[0].Str, textOf(found[1])
		},
		Identify: func(n *notification.Notification, body *notification.Document) notification.Identity {
			identity := notification.Identity{
				Type: body.String("type"), Instance: body.String("account"),
				OrderKey: body.Text("data", "object", "id"), SentAt: unixTime(body, "created"),
			}
			id := firstOf(body.Text("id"), body.Fingerprint())
			identity.Key = notification.Key(n.Source, identity.Instance, identity.Type, id)
			return identity
		},
	})
}
