package provider

import (
	"net/http"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
)

// dropboxWindow is how long the same body means the same notification. A body says only for which accounts something
// changed, so it is the same at every change. A change that is taken for a repetition would be one that nobody looks at.
const dropboxWindow = 2 * time.Second

// Dropbox signs the body with the app's secret and waits 10 s. Before that it asks by a GET whether somebody listens.
// Source: https://www.dropbox.com/developers/reference/webhooks
func init() {
	Register(Provider{
		Name:           "dropbox",
		Path:           "/dropbox/webhook",
		PublishTimeout: 8 * time.Second,
		About: About{
			Type: "`list_folder`", ID: "the body", Order: "`/list_folder/accounts/0`", Window: "2s",
		},
		Proof:       proof.Signature{Header: "X-Dropbox-Signature"}.MustProof(),
		GivesSecret: true,
		Peek:        func(*notification.Notification) (kind, instance string) { return dropboxType, "" },
		Identify:    identifyDropbox,
		Challenge:   Challenge{Method: http.MethodGet, Echo: "query:challenge", Answer: Answer{Body: PlaceEcho}},
	})
}

// dropboxType is the only type there is; the name is that of the body's only field.
const dropboxType = "list_folder"

// identifyDropbox keeps the order per account, by the first one that a notification names.
func identifyDropbox(n *notification.Notification, body *notification.Document) notification.Identity {
	account, _ := body.Pointer("/list_folder/accounts/0")
	return notification.Identity{
		Type: dropboxType, OrderKey: notification.TextOf(account), Window: dropboxWindow,
		Key: notification.Key(n.Source, dropboxType, body.Fingerprint()),
	}
}
