package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

// Capacity is what a stream may hold, how much of that is used, and who has still to process it.
type Capacity struct {
	admin.Usage

	// Share is the part of MaxBytes that is used, from 0 to about 1.
	Share float64
	// Backlogs are who has still to process messages in it, looked up only where capacity becomes scarce.
	Backlogs []admin.Backlog
	// At is when this was so.
	At time.Time
}

// Capacities looks at all streams that are bounded in bytes.
func Capacities(ctx context.Context, client *stream.Client) ([]Capacity, error) {
	var capacities []Capacity
	for _, name := range []string{stream.Notifications, stream.Events, stream.Retries, stream.DeadLetters, stream.Rejections, stream.Alerts} {
		opened, err := client.JetStream().Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("open stream %s: %w", name, err)
		}
		capacity := Capacity{Usage: admin.UsageOf(opened.CachedInfo()), At: time.Now()}
		if capacity.MaxBytes <= 0 {
			continue
		}
		capacity.Share = share(capacity.Bytes, capacity.MaxBytes)
		if capacity.Share >= okBelow {
			if capacity.Backlogs, err = admin.BacklogsOf(ctx, opened); err != nil {
				return nil, err
			}
		}
		capacities = append(capacities, capacity)
	}
	return capacities, nil
}

// share returns the used part, 0 where nothing bounds the stream.
func share(bytes uint64, limit int64) float64 {
	if limit <= 0 {
		return 0
	}
	return float64(bytes) / float64(limit)
}

// The used shares at which a stream's state changes. A state is left at a lower share than it is entered,
// so that a stream at the edge does not change to and fro.
const (
	highFrom        = 0.80
	fullFrom        = 0.95
	recoveringBelow = 0.90
	okBelow         = 0.75
)

// Watch turns looks at the streams' capacities into alerts, one for each change. Its zero value knows of no change
// yet. It is not safe for concurrent use.
//
// It watches NOTIFICATIONS, EVENTS and RETRIES, which take nothing new when they are full, and DEAD_LETTERS, which drops
// what nobody may have seen. REJECTIONS and ALERTS are meant to be full: see RunRejections for the former, the latter drops its oldest.
type Watch struct{ states map[string]state }

type state int

const (
	stateOK         state = iota
	stateHigh             // the operator was told that it fills up
	stateFull             // the operator was told that it is full
	stateRecovering       // the operator was told that there is capacity again, but it is still scarce
)

// Look takes in how things are and returns what is to be told: when a stream fills up, when it is full, and when
// it has capacity again.
func (w *Watch) Look(capacities []Capacity) []notification.Alert {
	if w.states == nil {
		w.states = map[string]state{}
	}
	var alerts []notification.Alert
	for i := range capacities {
		capacity := &capacities[i]
		if capacity.Name == stream.Rejections || capacity.Name == stream.Alerts {
			continue
		}
		before := w.states[capacity.Name]
		after := before.next(capacity.Share)
		w.states[capacity.Name] = after
		if alert, tell := capacity.alert(before, after); tell {
			alerts = append(alerts, alert)
		}
	}
	return alerts
}

func (state state) next(share float64) state {
	switch {
	case share >= fullFrom:
		return stateFull
	case share < okBelow:
		return stateOK
	case state == stateFull && share < recoveringBelow:
		return stateRecovering
	case state == stateOK && share >= highFrom:
		return stateHigh
	default:
		return state
	}
}
