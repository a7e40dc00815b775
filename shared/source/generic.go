package source

import (
	"time"

	"sluice.internal/shared/notification"
)

// A generic sender is whatever configuration says: how it proves itself, and where its notifications have their type,
// identity, order and time. What is configured about reading travels with each notification, so that workers need no
// configuration of sources.
func init() {
	register(Provider{
		Name:         "generic",
		Path:         "/generic/webhook",
		Patience:     4 * time.Second, // Many give up after 5.
		Proof:        authorizationToken,
		Configurable: true,
		Peek: func(n *notification.Notification) (kind, instance string) {
			r := readingOf(n)
			return r.peek(r.Type, n), r.peek(r.Instance, n)
		},
		Identify: func(n *notification.Notification, body *notification.Document) notification.Identity {
			return readingOf(n).identify(n, body)
		},
	})
}
