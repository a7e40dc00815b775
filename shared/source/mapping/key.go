package mapping

import (
	"strconv"
	"time"

	"sluice.internal/shared/notification"
)

const (
	// bodyWindow is for how long notifications with the same body are the same where nothing else tells them apart. It is for
	// those that are sent again because an answer got lost. Equal bodies may be different facts, so it is short, and a source
	// can choose another one.
	bodyWindow = time.Minute
	// MaxWindow is the longest window that a source can choose. Keys are remembered for twice as long at least, so that one is
	// known until its window has ended.
	MaxWindow = 24 * time.Hour
)

// SetKey makes the key of the parts that identify a notification. Where they do not, the body does so beside them, for a while.
func SetKey(identity *notification.Identity, n *notification.Notification, body *notification.Document, parts []string, identified bool) {
	parts = append([]string{n.Source}, parts...)
	if !identified {
		parts = append(parts, body.Fingerprint())
		identity.Window = bodyWindow
	}
	identity.Key = notification.Key(parts...)
}

// SetKeyByID makes the key of instance, type and the sender's id.
func SetKeyByID(identity *notification.Identity, n *notification.Notification, body *notification.Document, id string) {
	parts := []string{identity.Instance, identity.Type}
	if id != "" {
		parts = append(parts, id)
	}
	SetKey(identity, n, body, parts, id != "")
}

// SetWindow does what the source says about when notifications are the same.
func SetWindow(n *notification.Notification, identity *notification.Identity) {
	if n.Former && identity.Window == bodyWindow { // The same body was the same for ever then.
		identity.Window = 0
	}
	if n.Mapping != "" {
		Of(n).SetWindow(n, identity)
	}
}

// SetWindow does what a mapping says about when notifications are the same.
func (m Mapping) SetWindow(n *notification.Notification, identity *notification.Identity) {
	switch {
	case m.EachOwn:
		identity.Window = 0
		parts := []string{n.Source, "each", n.RequestID, n.ReceivedAt.UTC().Format(time.RFC3339Nano)}
		if n.Part > 0 {
			parts = append(parts, strconv.Itoa(n.Part))
		}
		identity.Key = notification.Key(parts...)
	case m.Window > 0:
		identity.Window = m.Window
	}
}
