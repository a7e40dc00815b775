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
	"sluice.internal/shared/stream/consume"
	"sluice.internal/sluice/bench/loadgen"
)

const (
	// laneChats is how many chats each lane has where a row does not say: 1,024 in all of 64 lanes.
	laneChats = 16
	// farAway is when parked events are due: not while anything is measured.
	farAway = 12 * time.Hour
)

// eventMaker makes events as the intake does. It is one goroutine's.
type eventMaker struct {
	streams   *consume.Client
	providers map[string]source.Provider
	template  *loadgen.Template
}

func newEventMaker(streams *consume.Client, m *loadgen.Template) *eventMaker {
	return &eventMaker{streams: streams, providers: source.Providers(), template: m}
}

// event makes the event of that number, from that chat.
func (m *eventMaker) event(number int, from loadgen.Chat) (notification.Event, error) {
	m.template.WriteFrom(number, from)
	n := loadgen.Received(m.providers[loadgen.SourceName], bytes.Clone(m.template.Body()))
	what, fault := source.Interpret(m.providers, n)
	if fault != nil {
		return notification.Event{}, fmt.Errorf("make event %d: %s", number, fault.Message)
	}
	return m.streams.NewEvent(n, what.Identity)
}

// chatsByLane are as many chats of each lane. Without them it would be measured how chats happen to share the lanes,
// since the lane with the most of them ends last.
func chatsByLane(maker *eventMaker, lanes, chats, instances int) ([][]loadgen.Chat, error) {
	found := make([][]loadgen.Chat, lanes)
	for missing, candidate := lanes*chats, 0; missing > 0; candidate++ {
		from := loadgen.Chat{Instance: candidate % instances, Number: candidate / instances}
		event, err := maker.event(0, from)
		if err != nil {
			return nil, err
		}
		if len(found[event.Lane]) < chats {
			found[event.Lane] = append(found[event.Lane], from)
			missing--
		}
	}
	return found, nil
}

// chatOf goes through all lanes, and then through the chats of each.
func chatOf(byLane [][]loadgen.Chat, number int) loadgen.Chat {
	lane := byLane[number%len(byLane)]
	return lane[number/len(byLane)%len(lane)]
}

// fillEvents stores that many events, in each lane as many, of so many chats of each.
func (run *runner) fillEvents(ctx context.Context, streams *consume.Client, count, chats int) error {
	maker := newEventMaker(streams, loadgen.NewTemplate(loadgen.NewRun(), 0, run.Size, run.Instances, loadgen.NoHead))
	byLane, err := chatsByLane(maker, streams.Lanes(), chats, run.Instances)
	if err != nil {
		return err
	}
	for first := 0; first < count; first += consume.MaxBatch {
		events := make([]notification.Event, min(consume.MaxBatch, count-first))
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
func (run *runner) park(ctx context.Context, streams *consume.Client, count int) error {
	runID, until := loadgen.NewRun(), time.Now().Add(farAway)
	byLane, err := chatsByLane(newEventMaker(streams, loadgen.NewTemplate(runID, 0, run.Size, run.Instances, loadgen.NoHead)), streams.Lanes(), laneChats, run.Instances)
	if err != nil {
		return err
	}
	failures := make([]error, fillers)
	var group sync.WaitGroup
	for i := range fillers {
		group.Go(func() {
			maker := newEventMaker(streams, loadgen.NewTemplate(runID, i, run.Size, run.Instances, loadgen.NoHead))
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
