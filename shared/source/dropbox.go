package source

import (
	"net/url"
	"time"

	"sluice.internal/shared/notification"
)

// dropboxWindow is how long the same body means the same notification. A body tells only for which accounts something
// changed, so it is the same at every change, and one that is taken for a repetition would be a change that nobody
// looks at.
const dropboxWindow = 2 * time.Second

// longestChallenge bounds what is sent back, in bytes.
const longestChallenge = 1 << 10

// Dropbox signs the body with the app's secret and waits 10 s. Before that it asks by a GET whether somebody listens.
// Source: https://www.dropbox.com/developers/reference/webhooks
func init() {
	register(Provider{
		Name:        "dropbox",
		Path:        "/dropbox/webhook",
		Patience:    8 * time.Second,
		Proof:       Signature{Header: "X-Dropbox-Signature"}.mustProof(),
		GivesSecret: true,
		Peek:        func(*notification.Notification) (kind, instance string) { return dropboxType, "" },
		Identify:    identifyDropbox,
		Greet: func(query url.Values) (echo string, ok bool) {
			echo = query.Get("challenge")
			return echo, echo != "" && len(echo) <= longestChallenge
		},
	})
}

const dropboxType = "list_folder"

func identifyDropbox(n *notification.Notification, body *notification.Document) notification.Identity {
	account, _ := body.Pointer("/list_folder/accounts/0")
	return notification.Identity{
		Type: dropboxType, OrderKey: notification.TextOf(account), Window: dropboxWindow,
		Key: notification.Key(n.Source, dropboxType, body.Fingerprint()),
	}
}
