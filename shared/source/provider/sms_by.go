package provider

import (
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// smsByType is the only type there is.
const smsByType = "messageStatus"

// app.sms.by reports what became of messages of a campaign, as a form with channel, message_id and status, also without saying
// that it is one, or in the query of a GET. It has no way to prove who it is, so the path has a secret in it.
func init() {
	Register(Provider{
		Name:           "sms-by",
		Path:           "/sms-by/webhook",
		PublishTimeout: 4 * time.Second, // How long it waits is not known.
		About: About{
			Type: "`messageStatus`", ID: "`/channel`, `/message_id`, `/status`", Order: "`/message_id`",
		},
		Proof:    proof.PathSecret(),
		TakesGET: true,
		Peek:     func(*notification.Notification) (kind, instance string) { return smsByType, "" },
		Identify: func(n *notification.Notification, body *notification.Document) notification.Identity {
			message := body.Text("message_id")
			identity := notification.Identity{Type: smsByType, OrderKey: message}
			mapping.SetKey(&identity, n, body, []string{body.Text("channel"), message, body.Text("status")}, message != "")
			return identity
		},
		Announce: func(d *proof.Draft, _ string) {
			d.SetDefault("Content-Type", "application/x-www-form-urlencoded")
		},
	})
}
