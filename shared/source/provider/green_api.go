package provider

import (
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/chat"
	"sluice.internal/shared/source/mapping"
)

// GREEN-API sends what happens in WhatsApp, MAX and Telegram accounts. It posts one notification at a time per
// instance, waits up to 180 s for a 200, and otherwise sends the same one again after 60 s, for 24 hours.
// Source: https://green-api.com/en/docs/api/receiving/technology-webhook-endpoint/
func init() {
	Register(Provider{
		Name:           "green-api",
		Path:           "/green-api/webhook",
		PublishTimeout: 30 * time.Second,
		BodyLimit:      8 << 20,
		About: About{
			Type: "`/typeWebhook`", ID: "chat, `/idMessage` and what was said", Order: "the chat", SentAt: "`/timestamp`",
			Window: "48h, 1h without id and time",
		},
		Proof:     proof.Token("Authorization"),
		Addresses: map[string]AddressList{"green-api": greenAPIAddresses()},
		TypeAt:    "/typeWebhook",
		HTTPAPI:   true,
		Peek:      peekGreenAPI,
		Identify:  identifyGreenAPI,
		Former:    identifyGreenAPIFormerly,
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
		kind = strings.TrimSpace(found[0].Str)
	}
	return kind, greenAPIInstance(mapping.TextOf(found[1]))
}

// greenAPIInstance returns the spelling of an instance. It is a number, which bridges write as a text too, in any of the
// notations of one.
func greenAPIInstance(text string) string { return notification.WholeNumber(strings.TrimSpace(text)) }

// identifyGreenAPI distinguishes notifications as GREEN-API's documentation asks: idMessage is unique within one chat only,
// so instance and chat belong to the key. What was said in a message belongs to it as well, because the same idMessage comes
// again with another text when one that was not decrypted at first ({{SWE001}}) follows later. Who is called what does not: the
// same message comes again with a name filled in. A status belongs to its time: the same one may rightly come again.
func identifyGreenAPI(n *notification.Notification, body *notification.Document) notification.Identity {
	var (
		kind     = body.String("typeWebhook")
		instance = body.Text("instanceData", "idInstance")
		message  = body.Text("idMessage")
		identity = notification.Identity{Type: kind, Instance: notification.WholeNumber(instance), SentAt: sentAt(body)}
		sent     = sentText(identity.SentAt, body)
		same     []string // what makes two of a type the same; nil where only the whole body does
	)
	switch strings.TrimSpace(kind) {
	case "outgoingMessageStatus":
		identity.OrderKey = chatOf(body, "chatId")
		same = ifKnown(message, identity.OrderKey, message, body.Text("status"), sent)
	case "incomingCall", "outgoingCall":
		identity.OrderKey = chatOf(body, "from")
		same = ifKnown(message, identity.OrderKey, message, body.Text("status"))
	case "stateInstanceChanged":
		same = ifKnown(body.Text("stateInstance"), body.Text("stateInstance"), sent)
	case "statusInstanceChanged":
		same = ifKnown(body.Text("statusInstance"), body.Text("statusInstance"), sent)
	default: // Messages, and what is new.
		identity.OrderKey = chatOf(body)
		if said, ok := body.Root()["messageData"].(map[string]any); ok {
			same = ifKnown(message, identity.OrderKey, message, notification.Said(said))
		}
	}
	if same == nil {
		same = []string{identity.OrderKey, chat.Normal(body.Text("senderData", "sender")), notification.Said(body.Root(), "senderData", "instanceData")}
	}
	identity.Key = notification.Key(append([]string{n.Source, greenAPIInstance(instance), strings.TrimSpace(kind)}, same...)...)
	if message == "" && sent == "" {
		identity.Window = timelessWindow
	}
	return identity
}

// ifKnown returns the parts where there is an id, and nil where there is none.
func ifKnown(id string, parts ...string) []string {
	if id == "" {
		return nil
	}
	return parts
}

// sentText is the sender's time for a key: the same for one instant, however it is written.
func sentText(at time.Time, body *notification.Document) string {
	switch {
	case at.IsZero():
		return body.Text("timestamp")
	case at.Nanosecond() == 0:
		return strconv.FormatInt(at.Unix(), 10)
	default:
		return at.Format("2006-01-02T15:04:05.000000")
	}
}

// sentAt returns the time that nearly every notification of GREEN-API has: in seconds since 1970. Bridges write fractions,
// milliseconds, and strings.
func sentAt(body *notification.Document) time.Time { return mapping.TimeFrom(body.Text("timestamp")) }

// unixTime returns the time at the path, in seconds since 1970; zero when there is none that RFC 3339 can write.
func unixTime(body *notification.Document, path ...string) time.Time {
	seconds, ok := body.Integer(path...)
	if !ok || seconds <= 0 || seconds > proof.MaxUnixTime {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
