package provider

import (
	"net/http"
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// Meta's Cloud API sends what happens in WhatsApp Business accounts, several messages and statuses in one request. It signs the
// body with the app's secret, and asks by a GET with the verify token once. Pages of Facebook and accounts of Instagram come in
// the same form.
// Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started and
// https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components
func init() {
	const value = "/entry/0/changes/0/value"
	Register(Provider{
		Name:           "whatsapp-cloud",
		Path:           "/whatsapp-cloud/webhook",
		PublishTimeout: 4 * time.Second,
		BodyLimit:      3 << 20, // "Webhooks payloads can be up to 3MB".
		Proof:          proof.Signature{Header: "X-Hub-Signature-256", Prefix: "sha256="}.MustProof(),
		GivesSecret:    true,
		Challenge: Challenge{
			Method: http.MethodGet, When: []string{"query:hub.mode=subscribe"}, Echo: "query:hub.challenge",
			PasswordAt: "query:hub.verify_token", Answer: Answer{Body: PlaceEcho},
		},
		Split: []string{
			"/entry/*/changes/*/value/messages/*", "/entry/*/changes/*/value/statuses/*", "/entry/*/messaging/*", "/entry/*/standby/*",
		},
		Read: mapping.Mapping{
			Type: "key:" + value + ":messages,statuses | /entry/0/changes/0/field | key:/entry/0:messaging,standby | /object",
			// An account has several numbers.
			Instance: value + "/metadata/phone_number_id | /entry/0/id",
			ID: []string{
				value + "/messages/0/id | " + value + "/statuses/0/id | /entry/0/messaging/0/message/mid", value + "/statuses/0/status",
			},
			Order:  value + "/messages/0/from | " + value + "/statuses/0/recipient_id | /entry/0/messaging/0/sender/id",
			SentAt: value + "/messages/0/timestamp | " + value + "/statuses/0/timestamp | /entry/0/messaging/0/timestamp | /entry/0/time",
		},
	})
}
