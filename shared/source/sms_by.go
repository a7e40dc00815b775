package source

import (
	"time"

	"sluice.internal/shared/notification"
)

const smsByType = "messageStatus"

// app.sms.by tells what became of messages of a campaign, as a form with channel, message_id and status. It has no way
// to prove who it is, so the path has a secret in it.
func init() {
	register(Provider{
		Name:     "sms-by",
		Path:     "/sms-by/webhook",
		Patience: 4 * time.Second, // How long it waits is not known.
		Proof:    PathSecret(),
		Peek:     func(*notification.Notification) (kind, instance string) { return smsByType, "" },
		Identify: func(n *notification.Notification, body *notification.Document) notification.Identity {
			message := body.Text("message_id")
			return notification.Identity{
				Type: smsByType, OrderKey: message,
				Key: notification.Key(n.Source, body.Text("channel"), message, body.Text("status")),
			}
		},
		Announce: func(d *Draft, _ string) {
			d.setDefault("Content-Type", "application/x-www-form-urlencoded")
		},
	})
}
