package provider

import (
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// TimePad says when the status of an order or a ticket changes. It waits 5 s, sends again after an hour and after a
// day, and in no order: whoever keeps the state compares hook_generated_at. How it signs is not verified, so
// everything about the signature can be configured.
// Source: http://dev.timepad.ru/api/hooks/
func init() {
	Register(Provider{
		Name:           "timepad",
		Path:           "/timepad/webhook",
		PublishTimeout: 4 * time.Second,
		About: About{
			Type: "`order` or `ticket`, by the fields", ID: "`/hook_guid`", Order: "the order or the ticket", SentAt: "`/hook_generated_at`",
			Leaves: "how TimePad signs is not known for sure",
		},
		Proof: proof.Signature{Header: "X-Hub-Signature", Prefix: "sha1=", Hash: proof.HashSHA1}.MustProof(),
		Peek: func(n *notification.Notification) (kind, instance string) {
			found := gjson.GetManyBytes(n.Body, "tickets", "status", "organization_id", "organization.id")
			return timepadType(found[0].IsArray() || found[1].IsObject()), firstOf(mapping.TextOf(found[2]), mapping.TextOf(found[3]))
		},
		Identify: identifyTimePad,
	})
}

const (
	timepadOrder  = "order"
	timepadTicket = "ticket"
)

// timepadType distinguishes orders, which have tickets or their status as an object, from tickets.
func timepadType(isOrder bool) string {
	if isOrder {
		return timepadOrder
	}
	return timepadTicket
}

// identifyTimePad keeps the order per order or ticket. Notifications come out of order, so they name their entity: a
// handler is told which of them is stale.
func identifyTimePad(n *notification.Notification, body *notification.Document) notification.Identity {
	_, hasTickets := body.Root()["tickets"].([]any)
	_, statusIsObject := body.Root()["status"].(map[string]any)
	identity := notification.Identity{
		Type:     timepadType(hasTickets || statusIsObject),
		Instance: firstOf(body.Text("organization_id"), body.Text("organization", "id")),
		SentAt:   timepadTime(body.Text("hook_generated_at")),
	}
	if id := body.Text("id"); id != "" {
		identity.Object = identity.Type + "/" + id
	}
	identity.OrderKey = identity.Object
	mapping.SetKeyByID(&identity, n, body, body.Text("hook_guid"))
	return identity
}

// timepadTime reads a time. One without a zone is taken for Moscow's, where TimePad is; compared with each other, they
// are right in any zone.
func timepadTime(text string) time.Time {
	if at := mapping.TimeFrom(text); !at.IsZero() {
		return at
	}
	moscow := time.FixedZone("MSK", 3*60*60)
	for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04:05.999999", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z0700"} {
		if at, err := time.ParseInLocation(layout, text, moscow); err == nil && at.Unix() > 0 {
			return at.UTC()
		}
	}
	return time.Time{}
}
