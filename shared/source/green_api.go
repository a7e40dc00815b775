package source

import (
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
)

// GREEN-API sends what happens in WhatsApp, MAX and Telegram accounts. It posts one notification at a time per
// instance, waits up to 180 s for a 200, and otherwise sends the same one again after 60 s, for 24 hours.
// Source: https://green-api.com/en/docs/api/receiving/technology-webhook-endpoint/
func init() {
	register(Provider{
		Name:      "green-api",
		Path:      "/green-api/webhook",
		Patience:  30 * time.Second,
		Proof:     authorizationToken,
		Addresses: map[string]AddressList{"green-api": greenAPIAddresses()},
		TypeAt:    "/typeWebhook",
		Peek:      peekGreenAPI,
		Identify:  identifyGreenAPI,
	})
}

// greenAPIAddresses is the union of the addresses in the documentation's present list and its earlier ones
// that are not known to be given up: an address too many lets in somebody who still needs the token, one too
// few costs notifications.
func greenAPIAddresses() AddressList {
	return AddressList{
		AsOf: time.Date(2026, time.July, 15, 0, 0, 0, 0, time.UTC),
		Prefixes: hosts(
			"46.101.109.139", "51.250.12.167", "51.250.84.44", "51.250.89.177", "51.250.94.65", "51.250.95.149",
			"64.226.111.11", "64.226.125.75", "89.169.137.216", "89.169.144.17", "104.248.252.93",
			"158.160.47.204", "158.160.49.84", "158.160.139.176", "158.160.195.0", "165.22.93.202",
			"167.172.162.71", "207.154.255.195", "209.38.202.24",
		),
	}
}

// timelessWindow is how long identical bodies without id and time count as one notification. The sender
// repeats after 60 s, so an hour covers a run of repetitions, and a quota exceeded again later is news.
const timelessWindow = time.Hour

func peekGreenAPI(n *notification.Notification) (kind, instance string) {
	found := gjson.GetManyBytes(n.Body, "typeWebhook", "instanceData.idInstance")
	if found[0].Type == gjson.String {
		kind = found[0].Str
	}
	return kind, textOf(found[1])
}

// textOf is a string or number as text. A number keeps its digits: as a float an id would lose the last ones.
func textOf(found gjson.Result) string {
	switch found.Type { //nolint:exhaustive // Everything else is no id.
	case gjson.String:
		return found.Str
	case gjson.Number:
		return found.Raw
	default:
		return ""
	}
}

// identifyGreenAPI tells notifications apart as GREEN-API's documentation asks: idMessage is unique within one
// chat only, so instance and chat belong to the key. A message's body belongs to it as well, because the same
// idMessage comes again with another body when a text that was not decrypted at first ({{SWE001}}) follows
// later. A status belongs to its time: the same one may rightly come again.
func identifyGreenAPI(n *notification.Notification, body *notification.Document) notification.Identity {
	var (
		kind     = body.String("typeWebhook")
		instance = body.Text("instanceData", "idInstance")
		message  = body.Text("idMessage")
		sent     = body.Text("timestamp")
		identity = notification.Identity{Type: kind, Instance: instance, SentAt: sentAt(body)}
		prefix   = []string{n.Source, instance, kind}
		key      = func(parts ...string) string { return notification.Key(append(prefix, parts...)...) }
	)
	switch kind {
	case "incomingMessageReceived", "outgoingMessageReceived", "outgoingAPIMessageReceived":
		identity.OrderKey = body.Text("senderData", "chatId")
		identity.Key = key(identity.OrderKey, message, body.Fingerprint())
	case "outgoingMessageStatus":
		identity.OrderKey = body.Text("chatId")
		identity.Key = key(identity.OrderKey, message, body.Text("status"), sent)
	case "incomingCall", "outgoingCall":
		identity.OrderKey = body.Text("from")
		identity.Key = key(identity.OrderKey, message, body.Text("status"))
	case "stateInstanceChanged":
		identity.Key = key(body.Text("stateInstance"), sent)
	case "statusInstanceChanged":
		identity.Key = key(body.Text("statusInstance"), sent)
	default:
		identity.OrderKey = body.Text("chatId")
		identity.Key = key(body.Fingerprint())
	}
	if message == "" && sent == "" {
		identity.Window = timelessWindow
	}
	return identity
}

// endOfTime is the last second that RFC 3339 can write.
const endOfTime = 253402300799

func sentAt(body *notification.Document) time.Time { return unixTime(body, "timestamp") }

// unixTime is the time at the path, in seconds since 1970; zero when there is none that can be written.
func unixTime(body *notification.Document, path ...string) time.Time {
	seconds, ok := body.Integer(path...)
	if !ok || seconds <= 0 || seconds > endOfTime {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
