package handling

import (
	"context"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/worker/keyed"
)

const (
	// maxOfChat is how many events of a chat a worker holds before it sets the chat aside, maxOfChatPressed where it holds many
	// of the partition.
	maxOfChat        = 1024
	maxOfChatPressed = 64
)

// Allowed reports whether chats may be set aside: not as long as a worker of the group is of a version that does not know of it.
func (b *broker) Allowed() bool { return b.runner.onlyPresent.Load() }

// Load returns which chats are aside.
func (b *broker) Load(ctx context.Context) (saved []keyed.Aside, revision, last uint64, err error) {
	chats, revision, last, err := b.partition.LoadAsides(ctx)
	for i := range chats {
		saved = append(saved, keyed.Aside(chats[i]))
	}
	return saved, revision, last, brokerError(err)
}

// Save notes which chats are aside.
func (b *broker) Save(ctx context.Context, list []keyed.Aside, revision uint64) (uint64, error) {
	chats := make([]stream.Aside, len(list))
	for i := range list {
		chats[i] = stream.Aside(list[i])
	}
	revision, err := b.partition.SaveAsides(ctx, chats, revision)
	if err == nil {
		b.logAsides(chats)
	} else if ctx.Err() == nil {
		b.runner.Log.Debug("not written which chats are aside", "partition", b.partition.Name(), "error", err)
	}
	return revision, brokerError(err)
}

// logAsides says which chats are aside and were not when it was written last, and the other way round.
func (b *broker) logAsides(chats []stream.Aside) {
	before := b.asides
	b.asides = map[string]stream.Aside{}
	for _, chat := range chats {
		if chat.Until > 0 {
			continue
		}
		b.asides[chat.ID] = chat
		if _, known := before[chat.ID]; !known {
			b.logAside("more of a chat waits than a worker holds, chat set aside", chat)
		}
		delete(before, chat.ID)
	}
	for _, chat := range before {
		b.logAside("nothing of the chat is aside any more", chat)
	}
}

func (b *broker) logAside(message string, chat stream.Aside) {
	b.runner.Log.Info(message, "group", b.runner.Config.Group, "partition", b.partition.Name(), "source", chat.Source(), "instance", chat.Instance())
}

// Floor returns up to which sequence all of the partition is acknowledged.
func (b *broker) Floor(ctx context.Context) (uint64, error) {
	floor, err := b.partition.Floor(ctx)
	return floor, brokerError(err)
}

// Read reads events of a chat that is aside.
func (b *broker) Read(ctx context.Context, a keyed.Aside, after, upTo uint64, suspect bool) (found []keyed.Delivery, read uint64, err error) {
	is := func(event *notification.Event) bool { return keyed.KeyID(keyOf(event)) == a.ID }
	events, read, err := b.partition.ReadAside(ctx, a.Where, is, after, upTo, suspect)
	for _, event := range events {
		found = append(found, b.runner.newDelivery(event))
	}
	return found, read, brokerError(err)
}
