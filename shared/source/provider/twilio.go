package provider

import (
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

const twilioToken = "I-Twilio-Idempotency-Token"

// Twilio signs its URL, as entered there, and the sorted fields of the form. Of a body that is no form it signs the SHA-256 in
// the URL. It waits for 15 s, and takes anything but TwiML for an error: the empty one says that there is nothing to do.
// Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security and https://www.twilio.com/docs/messaging/twiml
func init() {
	Register(Provider{
		Name:           "twilio",
		Path:           "/twilio/webhook",
		PublishTimeout: 4 * time.Second,
		About: About{
			Type: "`/EventType`, else by the fields that are there", ID: "`header:I-Twilio-Idempotency-Token`",
			Order: "the conversation, the call, who sends a message", Leaves: "when it was signed",
		},
		Proof: proof.Signature{
			Header: "X-Twilio-Signature", Hash: proof.HashSHA1, Encoding: proof.EncodingBase64,
			Signed: "{url}{form:sorted}", BodyDigestAt: "query:bodySHA256",
		}.MustProof(),
		GivesSecret: true,
		TypeAt:      "/EventType",
		Header:      []string{twilioToken},
		Answers:     []Answer{{ContentType: "text/xml", Body: "<Response/>"}},
		Peek: func(n *notification.Notification) (kind, instance string) { // A body that is no form.
			found := gjson.GetManyBytes(n.Body, "EventType", "AccountSid")
			return found[0].Str, found[1].Str
		},
		Identify: identifyTwilio,
		Announce: announceForm,
	})
}

// twilioTypes are the fields by which the kinds of notifications are told apart, each before those that it comes with.
var twilioTypes = []struct{ field, kind string }{
	{"RecordingStatus", "recording"},
	{"TranscriptionStatus", "transcription"},
	{"MessageStatus", "message.status"},
	{"CallStatus", "call"},
	{"SmsStatus", "message"},
	{"MessageSid", "message"},
}

// identifyTwilio keeps messages in the order of who sends them, statuses in that of their message, and all of a call together.
// Without the token of a delivery, all that it says tells it from others.
func identifyTwilio(n *notification.Notification, body *notification.Document) notification.Identity {
	identity := notification.Identity{
		Type: body.String("EventType"), Instance: body.Text("AccountSid"),
		OrderKey: firstOf(body.Text("ConversationSid"), body.Text("CallSid")),
	}
	for _, one := range twilioTypes {
		if identity.Type == "" && body.Has(one.field) {
			identity.Type = one.kind
		}
	}
	if identity.OrderKey == "" && identity.Type == "message" {
		identity.OrderKey = body.Text("From")
	}
	identity.OrderKey = firstOf(identity.OrderKey, body.Text("MessageSid"))
	mapping.SetKeyByID(&identity, n, body, n.Header[twilioToken])
	return identity
}
