package provider

import (
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// The fields under which id and time travel, whatever the headers are called that they came in.
const (
	standardID   = "Webhook-Id"
	standardTime = "Webhook-Timestamp"
)

// standardSignature describes a family of headers by what their names begin with.
func standardSignature(family string) proof.Signature {
	return proof.Signature{
		Header: family + "-Signature", Separator: " ", Prefix: "v1,", Encoding: proof.EncodingBase64,
		Signed: "{id}.{timestamp}.{body}", TimestampHeader: family + "-Timestamp", IDHeader: family + "-Id", StandardWebhooks: true,
	}
}

// Standard Webhooks is what Svix and many others send: id, time and body are signed, several times over while a secret
// is changed. Svix calls the headers svix-id and so on, for all but those of its customers who pay for the standard's names.
// Nothing is in order, and some bodies have no type.
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func init() {
	Register(Provider{
		Name:           "standard-webhooks",
		Path:           "/standard-webhooks/webhook",
		PublishTimeout: 10 * time.Second, // They wait for 15 to 30.
		About: About{
			Type: "`/type`, else `/event_type`", ID: "the signed id", SentAt: "`/timestamp`, else the signed time",
		},
		Proof:        proof.MustFamilies(standardSignature("Webhook"), standardSignature("Svix")),
		GivesSecret:  true,
		TypeAt:       "/type",
		SignedID:     standardID,
		SignedTime:   standardTime,
		OptionalType: true,
		Peek: func(n *notification.Notification) (kind, instance string) {
			if m := mapping.Of(n); m.Type != "" {
				return m.Peek(m.Type, n), ""
			}
			found := gjson.GetManyBytes(n.Body, "type", "event_type")
			return firstOf(found[0].Str, found[1].Str), ""
		},
		Identify: identifyStandard,
	})
}

// identifyStandard keeps nothing in order: each goes its own way. Beside the standard's place for the type it knows the one that
// many senders use.
func identifyStandard(n *notification.Notification, body *notification.Document) notification.Identity {
	id := n.Header[standardID]
	identity := notification.Identity{
		Type: firstOf(body.String("type"), body.String("event_type")), OrderKey: firstOf(id, body.Fingerprint()),
		SentAt: mapping.TimeFrom(firstOf(body.Text("timestamp"), n.Header[standardTime])),
	}
	if m := mapping.Of(n); m.Type != "" {
		identity.Type = m.Text(m.Type, n, body)
	}
	var parts []string
	if id != "" {
		parts = []string{id}
	}
	mapping.SetKey(&identity, n, body, parts, id != "")
	return identity
}
