package provider

import (
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// A generic sender is whatever configuration says: how it proves itself, and where its notifications have their type,
// identity, order and time. The configured mapping travels with each notification, so that workers need no
// configuration of sources.
func init() {
	Register(Provider{
		Name:           "generic",
		Path:           "/generic/webhook",
		PublishTimeout: 4 * time.Second, // Many give up after 5.
		About: About{
			Type: "`read.type`", ID: "`read.id`", Order: "`read.order`", SentAt: "`read.sent_at`", Window: "`read.window`, 48h with an id, 1m without",
		},
		Proof:        proof.Token("Authorization"),
		Configurable: true,
		Peek: func(n *notification.Notification) (kind, instance string) {
			m := mapping.Of(n)
			return m.Peek(m.Type, n), m.Peek(m.Instance, n)
		},
		Identify: func(n *notification.Notification, body *notification.Document) notification.Identity {
			return mapping.Of(n).Identify(n, body)
		},
	})
}
