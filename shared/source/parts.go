package source

import (
	"strings"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source/mapping"
)

// Parts returns the notifications that a request has in it, in their order; that is itself where its source does not divide
// requests. Each has its number, and a body of its own. The fault says why a request can't be divided.
func Parts(providers map[string]Provider, n *notification.Notification) ([]*notification.Notification, *notification.Fault) {
	return mapping.Parts(splits(providers[n.Provider], n), n)
}

// splits returns the places at which the requests of a notification's source are divided.
func splits(provider Provider, n *notification.Notification) []string {
	if !provider.Configurable {
		return provider.Split
	}
	if !strings.Contains(n.Mapping, `"split"`) { // Nearly all; reading the mapping costs more than this.
		return nil
	}
	return mapping.Of(n).Split
}
