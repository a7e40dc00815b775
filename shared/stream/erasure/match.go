package erasure

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/mention"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// matcher decides what belongs to a target. It remembers what it has seen of earlier streams on the way of a notification.
type matcher struct {
	target    Target
	interpret Interpret
	former    stream.Former
	// chats finds the chats anywhere, instances the instances where no header names one.
	chats, instances mention.Mentions
	// raw are the notifications of events that go, with the time of receipt: sequences begin anew in a new stream.
	raw map[uint64]time.Time
	// objects are the subjects of objects whose events go.
	objects map[string]bool
	// windows are the notifications without id and time that go, by their key, with the time of receipt: within their window
	// the same key means the same notification.
	windows map[string]time.Time
	// keys are those of events that go and were stored since remembered, so that repetitions of them make no event.
	keys       []string
	remembered time.Time
}

func newMatcher(target Target, interpret Interpret) *matcher {
	return &matcher{
		target: target, interpret: interpret, chats: mention.New(target.Chats...), instances: mention.New(target.Instances...),
		raw: map[uint64]time.Time{}, objects: map[string]bool{}, windows: map[string]time.Time{},
	}
}

// matches reports whether a message of a stream is to go.
func (m *matcher) matches(name string, message *jetstream.RawStreamMsg) bool {
	switch name {
	case stream.Notifications:
		return m.notification(message)
	case stream.Events:
		return m.event(message)
	case stream.Retries, stream.DeadLetters:
		return m.copied(message)
	case stream.Rejections:
		return m.rejection(message)
	case stream.Objects:
		return m.objects[message.Subject] || m.chats.InMessage(message.Header, nil)
	case stream.Alerts:
		return m.alert(message)
	case stream.Operations:
		return m.operation(message)
	default:
		return false
	}
}

func (m *matcher) isOther(source string) bool {
	return m.target.Source != "" && m.target.Source != source
}

func (m *matcher) hasInstance(instance string) bool {
	return slices.Contains(m.target.Instances, instance)
}

// hasIdentity reports whether what a notification is belongs to the target. The texts of a message's header come here too,
// so that nothing but their ends may differ.
func (m *matcher) hasIdentity(identity *notification.Identity) bool {
	return m.hasInstance(identity.Instance) || slices.Contains(m.target.Keys, identity.Key) ||
		identity.OrderKey != "" && slices.Contains(m.target.Chats, identity.OrderKey)
}

func (m *matcher) notification(message *jetstream.RawStreamMsg) bool {
	n := wire.ReadNotification(message.Header, message.Data, message.Sequence)
	n.Former = m.former.Has(wire.NumberInSubject(message.Subject), n.Sequence)
	if m.isOther(n.Source) {
		return false
	}
	if m.hasInstance(n.Instance) || m.chats.InMessage(message.Header, message.Data) {
		return true
	}
	identities := m.interpret(&n)
	if len(identities) == 0 {
		return m.instances.In(n.Body)
	}
	return slices.ContainsFunc(identities, func(identity notification.Identity) bool {
		return m.hasIdentity(&identity) || m.hasWindowed(&n, &identity)
	})
}

// hasWindowed reports whether a notification without id and time is one whose event has a key of the target, or repeats
// one.
func (m *matcher) hasWindowed(n *notification.Notification, identity *notification.Identity) bool {
	if identity.Window <= 0 || len(m.target.Keys) == 0 {
		return false
	}
	if first, known := m.windows[identity.Key]; known && n.ReceivedAt.Sub(first) < identity.Window {
		return true
	}
	if slices.Contains(m.target.Keys, identity.KeyIn(n.ReceivedAt.Truncate(identity.Window))) {
		m.windows[identity.Key] = n.ReceivedAt
		return true
	}
	return false
}

func (m *matcher) event(message *jetstream.RawStreamMsg) bool {
	event := wire.ReadEvent(message.Subject, message.Header, message.Data, message.Sequence)
	if m.isOther(event.Source) || !m.hasIdentity(&event.Identity) && !m.chats.InMessage(message.Header, message.Data) {
		return false
	}
	m.raw[event.NotificationSequence] = event.ReceivedAt
	if message.Time.After(m.remembered) {
		m.keys = append(m.keys, event.Key)
	}
	// Other events of the object stay when a single event goes.
	if event.Object != "" && !slices.Contains(m.target.Keys, event.Key) {
		m.objects[wire.ObjectSubject(&event)] = true
	}
	return true
}

// copied is for what has the header and the body of an event.
func (m *matcher) copied(message *jetstream.RawStreamMsg) bool {
	event := wire.ReadEvent(message.Subject, message.Header, message.Data, 0)
	if m.isOther(event.Source) {
		return false
	}
	return m.hasIdentity(&event.Identity) || m.chats.InMessage(message.Header, message.Data) ||
		event.Instance == "" && m.instances.In(message.Data)
}

func (m *matcher) rejection(message *jetstream.RawStreamMsg) bool {
	if m.isOther(wire.HeaderValue(message.Header, wire.HeaderSource)) {
		return false
	}
	return m.chats.InMessage(message.Header, message.Data) || m.instances.InMessage(message.Header, message.Data)
}

func (m *matcher) alert(message *jetstream.RawStreamMsg) bool {
	var alert struct{ Source, Instance string }
	// What another program wrote may be anything; it is looked at as a text.
	_ = json.Unmarshal(message.Data, &alert)
	if m.isOther(alert.Source) {
		return false
	}
	return m.hasInstance(alert.Instance) || m.chats.In(message.Data)
}

// operation finds records whose sentence names somebody. The records themselves stay, see rewrite.
func (m *matcher) operation(message *jetstream.RawStreamMsg) bool { return m.chats.In(message.Data) }
