package consume_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// chatEvent is an event of a chat of one instance.
func chatEvent(streams *streamtest.Streams, chat string, number int) notification.Event {
	n := notification.Notification{Origin: notification.Origin{Source: "test", Provider: "test", ReceivedAt: time.Now().UTC(), Body: []byte("{}")}}
	return streamtest.NewEvent(streams, &n, notification.Identity{
		Type: "message", Instance: "1", OrderKey: chat, Key: fmt.Sprintf("%s-%d", chat, number),
	})
}

func TestFormerOwnerCanNotWriteWhatIsAside(t *testing.T) {
	t.Parallel()
	server, ctx := streamtest.Start(t), streamtest.Context(t)
	var owners []*consume.Partition
	for range 2 {
		group, err := server.Open(t).Worker().Group(ctx, consume.GroupSettings{Name: "group"})
		streamtest.Must(t, err)
		owners = append(owners, group.Partitions[0])
	}
	former, present := owners[0], owners[1]
	chats := []stream.Aside{{ID: "chat", Where: "events.0.test.*.1", From: 3, Done: 2}}
	revision, err := former.SaveAsides(ctx, chats, 0)
	streamtest.Must(t, err)
	if _, err := former.SaveAsides(ctx, chats, 0); err != nil { // As when the answer was lost.
		t.Errorf("an owner can not write again what it has written itself: %v", err)
	}
	loaded, now, _, err := present.LoadAsides(ctx)
	streamtest.Must(t, err)
	if !slices.Equal(loaded, chats) || now == revision {
		t.Errorf("loaded %v with revision %d, want %v and a later one than %d", loaded, now, chats, revision)
	}
	_, err = present.SaveAsides(ctx, loaded, now)
	streamtest.Must(t, err)
	if _, err := former.SaveAsides(ctx, nil, now); !errors.Is(err, stream.ErrOvertaken) {
		t.Errorf("the former owner writes: %v", err)
	}
	streamtest.Must(t, server.Open(t).Operator().RemoveGroup(ctx, "group"))
	_, err = former.Open(ctx)
	streamtest.Must(t, err)
	if loaded, now, _, err := former.LoadAsides(ctx); len(loaded) > 0 || now != 0 || err != nil {
		t.Errorf("the group that was made anew has %v aside with revision %d, error %v", loaded, now, err)
	}
}

func TestWhatIsAsideIsReadInOrderAndOfItsChatAlone(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Lanes(1)), streamtest.Context(t)
	group, err := streams.Worker().Group(ctx, consume.GroupSettings{Name: "group"})
	streamtest.Must(t, err)
	const count = 700 // More than one answer has.
	for number := range count {
		var events []notification.Event
		for _, chat := range []string{"mine", "other", "third"} {
			events = append(events, chatEvent(streams, chat, number))
		}
		_, err := streams.Worker().PublishEvents(ctx, events)
		streamtest.Must(t, err)
	}
	isMine := func(event *notification.Event) bool { return event.OrderKey == "mine" }
	const upTo = 3*count - 30 // The last ten are not asked for.
	var keys []string
	for after := uint64(0); after < upTo; {
		found, read, err := group.Partitions[0].ReadAside(ctx, "events.0.test.*.1", isMine, after, upTo, after == 0)
		streamtest.Must(t, err)
		for i, d := range found {
			keys = append(keys, d.Key)
			if suspected := d.Suspect() != nil; suspected != (after == 0 && i == 0) {
				t.Errorf("event %s is suspected: %t", d.Key, suspected)
			}
		}
		if read <= after {
			t.Fatalf("read up to %d after %d", read, after)
		}
		after = read
	}
	var want []string
	for number := range count - 10 {
		want = append(want, fmt.Sprintf("mine-%d", number))
	}
	if !slices.Equal(keys, want) {
		t.Errorf("read %d events, want %d in order", len(keys), len(want))
	}
}
