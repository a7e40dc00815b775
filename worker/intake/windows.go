package intake

import (
	"context"
	"sync"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/worker/storing"
)

// windows gives keys to notifications that differ from another one in nothing but their time of arrival: an event stands for
// all that are the same and were received less than the identity's window after the first of them.
//
// Time is divided into windows from whole multiples of their length on, and a key names the window in which the first one was
// received. So a window has one such event at most, and whether a notification belongs to the one of the window before or
// behind is asked of the store, which remembers keys and has the times of receipt. Nothing is remembered here and no clock is
// read: whoever takes a notification in, and however often, gives it the same key.
type windows struct{ store keyMemory }

// keyMemory remembers the keys of events: consume.Client asks the server.
type keyMemory interface {
	// FirstReceivedAt returns when the notification was received whose event has a key.
	FirstReceivedAt(ctx context.Context, event *notification.Event, key string) (at time.Time, found bool, err error)
}

// window is a time in which there is one event of a key at most.
type window struct {
	key   string // of the identity
	begin time.Time
}

// maxLookups is how many keys are looked for at a time.
const maxLookups = 16

// keys completes the keys of events that have a window, in the order of arrival.
func (w windows) keys(ctx context.Context, store storing.Storer, outcomes []outcome) error {
	var events []*notification.Event
	wanted := map[window]*notification.Event{}
	for i := range outcomes {
		event := &outcomes[i].event
		if outcomes[i].deadLetter != nil || event.Window <= 0 {
			continue
		}
		events = append(events, event)
		for _, place := range windowsAround(event) {
			wanted[place] = event
		}
	}
	if len(events) == 0 {
		return nil
	}
	first, err := w.lookUp(ctx, store, wanted)
	if err != nil {
		return err
	}
	for _, event := range events {
		event.Key = keyWithin(event, first)
	}
	return nil
}

// windowsAround returns the window of an event, the one before and the one behind.
func windowsAround(event *notification.Event) [3]window {
	begin := event.ReceivedAt.Truncate(event.Window)
	return [3]window{{event.Key, begin.Add(-event.Window)}, {event.Key, begin}, {event.Key, begin.Add(event.Window)}}
}

// keyWithin returns the key of an event by when the first events of the windows around it were received, and remembers it
// where it is such a one itself. What was received before it counts first: that was there when it came for the first time.
// What was received after it was stored before it all the same, as it happens with several gateways.
func keyWithin(event *notification.Event, first map[window]time.Time) string {
	around := windowsAround(event)
	for _, later := range []bool{false, true} {
		for _, place := range around {
			received, there := first[place]
			if there && event.ReceivedAt.Sub(received).Abs() < event.Window && received.After(event.ReceivedAt) == later {
				return event.KeyIn(place.begin)
			}
		}
	}
	first[around[1]] = event.ReceivedAt
	return event.KeyIn(around[1].begin)
}

// lookUp asks the store when the first events of windows were received. Those that there are not are left out.
func (w windows) lookUp(ctx context.Context, store storing.Storer, wanted map[window]*notification.Event) (map[window]time.Time, error) {
	var (
		mutex  sync.Mutex
		first  = map[window]time.Time{}
		failed error
		free   = make(chan struct{}, maxLookups)
		group  sync.WaitGroup
	)
	for place, event := range wanted {
		free <- struct{}{} // Each lookup ends with its attempt or the worker.
		identity := notification.Identity{Key: place.key}
		group.Go(func() {
			defer func() { <-free }()
			err := store.StoreSmall(ctx, func(ctx context.Context) error {
				received, found, err := w.store.FirstReceivedAt(ctx, event, identity.KeyIn(place.begin))
				if err == nil && found && !received.IsZero() {
					mutex.Lock()
					first[place] = received
					mutex.Unlock()
				}
				return err
			})
			if err != nil {
				mutex.Lock()
				failed = err
				mutex.Unlock()
			}
		})
	}
	group.Wait()
	if storing.IsRefused(failed) { // Then a notification may become an event of its own, and none is lost.
		return first, nil
	}
	return first, failed
}
