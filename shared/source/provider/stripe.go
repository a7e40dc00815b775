package provider

import (
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// Stripe signs time and body, several times over while a secret is changed. It sends again for three days and in no
// order; each event has the object as it was then.
// Source: https://docs.stripe.com/webhooks
func init() {
	Register(Provider{
		Name:           "stripe",
		Path:           "/stripe/webhook",
		PublishTimeout: 8 * time.Second,
		BodyLimit:      1 << 20,
		About: About{
			Type: "`/type`", ID: "`/id`", Order: "`/data/object/id`, else `/related_object/id`", SentAt: "`/created`",
		},
		Proof: proof.Signature{
			Header: "Stripe-Signature", Separator: ",", Prefix: "v1=", TimestampPrefix: "t=", Signed: "{timestamp}.{body}",
		}.MustProof(),
		GivesSecret: true,
		TypeAt:      "/type",
		Peek: func(n *notification.Notification) (kind, instance string) {
			found := gjson.GetManyBytes(n.Body, "type", "account", "context")
			return found[0].Str, firstOf(mapping.TextOf(found[1]), mapping.TextOf(found[2]))
		},
		Identify: identifyStripe,
		Former:   identifyStripeFormerly,
	})
}

// identifyStripe reads events of both kinds. Thin ones, of version 2 of the API, name what they are about in related_object, the
// account in context, and write the time as RFC 3339.
func identifyStripe(n *notification.Notification, body *notification.Document) notification.Identity {
	identity := notification.Identity{
		Type: body.String("type"), Instance: firstOf(body.Text("account"), body.Text("context")),
		OrderKey: firstOf(body.Text("data", "object", "id"), body.Text("related_object", "id")), SentAt: mapping.TimeFrom(body.Text("created")),
	}
	mapping.SetKeyByID(&identity, n, body, body.Text("id"))
	return identity
}
