package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
)

const (
	// laneChats is how many chats each lane has: 1,024 in all of 64 lanes.
	laneChats = 16
	// farAway is when parked events are due: not while anything is measured.
	farAway = 12 * time.Hour
)

// eventMaker makes events as the intake does. It is one goroutine's.
type eventMaker struct {
	streams   *stream.Streams
	providers map[string]source.Provider
	message   *message
}

func newEventMaker(streams *stream.Streams, m *message) *eventMaker {
	return &eventMaker{streams: streams, providers: source.Providers(), message: m}
}

// event makes the event of that number, from that chat.
func (m *eventMaker) event(number int, from chat) (notification.Event, error) {
	m.message.writeFrom(number, from)
	n := received(m.providers[sourceName], bytes.Clone(m.message.body))
	what, fault := source.Understand(m.providers, n)
	if fault != nil {
		return notification.Event{}, fmt.Errorf("make event %d: %s", number, fault.Message)
	}
	return m.streams.Accept(n, what.Identity), nil
}

// chatsByLane are as many chats of each lane. Without them it would be measured how chats happen to share the lanes,
// since the lane with the most of them ends last.
func chatsByLane(maker *eventMaker, lanes, instances int) ([][]chat, error) {
	found := make([][]chat, lanes)
	for missing, candidate := lanes*laneChats, 0; missing > 0; candidate++ {
		from := chat{candidate % instances, candidate / instances}
		event, err := maker.event(0, from)
		if err != nil {
			return nil, err
		}
		if len(found[event.Lane]) < laneChats {
			found[event.Lane] = append(found[event.Lane], from)
			missing--
		}
	}
	return found, nil
}

// chatOf goes through all lanes, and then through the chats of each.
func chatOf(byLane [][]chat, number int) chat {
	return byLane[number%len(byLane)][number/len(byLane)%laneChats]
}

// fillEvents stores that many events, in each lane as many.
func (l *lab) fillEvents(ctx context.Context, streams *stream.Streams, count int) error {
	maker := newEventMaker(streams, newMessage(newRun(), 0, l.Size, l.Instances, noHead))
	byLane, err := chatsByLane(maker, streams.Lanes(), l.Instances)
	if err != nil {
		return err
	}
	for first := 0; first < count; first += stream.MaxBatch {
		events := make([]notification.Event, min(stream.MaxBatch, count-first))
		for i := range events {
			if events[i], err = maker.event(first+i, chatOf(byLane, first+i)); err != nil {
				return err
			}
		}
		if _, err := streams.PublishEvents(ctx, events); err != nil {
			return err
		}
	}
	return nil
}

// park sets that many events aside, as if each had failed four times. They are none of the stream's.
func (l *lab) park(ctx context.Context, streams *stream.Streams, count int) error {
	run, until := newRun(), time.Now().Add(farAway)
	byLane, err := chatsByLane(newEventMaker(streams, newMessage(run, 0, l.Size, l.Instances, noHead)), streams.Lanes(), l.Instances)
	if err != nil {
		return err
	}
	failures := make([]error, fillers)
	var group sync.WaitGroup
	for i := range fillers {
		group.Go(func() {
			maker := newEventMaker(streams, newMessage(run, i, l.Size, l.Instances, noHead))
			for number := i; number < count && failures[i] == nil; number += fillers {
				event, err := maker.event(number, chatOf(byLane, number))
				if err == nil {
					failed(&event, number)
					err = streams.Park(ctx, groupName, &event, until.Add(time.Duration(number)*time.Millisecond))
				}
				failures[i] = err
			}
		})
	}
	group.Wait()
	return errors.Join(failures...)
}

// failedTries is how often a parked event was tried.
const failedTries = 4

// failed makes an event one that was tried in vain. Its sequence is one that no event has.
func failed(event *notification.Event, number int) {
	const beyond = 1 << 40
	event.Sequence = beyond + uint64(number) //nolint:gosec // Not negative.
	event.Attempt, event.FirstFailedAt = failedTries, event.ReceivedAt
	for attempt := range failedTries {
		event.History = append(event.History, notification.Try{
			At: event.ReceivedAt, Attempt: attempt + 1, Error: "call the service: status 503",
		})
	}
}
