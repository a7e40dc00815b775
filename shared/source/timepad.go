package source

import (
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
)

// TimePad tells when the status of an order or a ticket changes. It waits 5 s, sends again after an hour and after a
// day, and in no order: whoever keeps the state compares hook_generated_at. How it signs is not verified, so
// everything about the signature can be configured.
// Source: http://dev.timepad.ru/api/hooks/
func init() {
	register(Provider{
		Name:     "timepad",
		Path:     "/timepad/webhook",
		Patience: 4 * time.Second,
		Proof:    Signature{Header: "X-Hub-Signature", Prefix: "sha1=", Hash: HashSHA1}.mustProof(),
		Peek: func(n *notification.Notification) (kind, instance string) {
			found := gjson.GetManyBytes(n.Body, "tickets", "status", "organization_id", "organization.id")
			return timepadType(found[0].IsArray() || found[1].IsObject()), firstOf(textOf(found[2]), textOf(found[3]))
		},
		Identify: identifyTimePad,
	})
}

const (
	timepadOrder  = "order"
	timepadTicket = "ticket"
)

// timepadType tells orders, which have tickets or their status as an object, from tickets.
func timepadType(isOrder bool) string {
	if isOrder {
		return timepadOrder
	}
	return timepadTicket
}

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
	hook := firstOf(body.Text("hook_guid"), body.Fingerprint())
	identity.Key = notification.Key(n.Source, identity.Instance, identity.Type, hook)
	return identity
}

// timepadTime reads a time. One without a zone is taken for Moscow's, where TimePad is; compared with each other, they
// are right in any zone.
func timepadTime(text string) time.Time {
	if at := timeFrom(text); !at.IsZero() {
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
