package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
)

// Room is how much of its room a stream has used.
type Room struct {
	Usage

	// Share is the part of MaxBytes that is used, from 0 to about 1.
	Share float64
	// Backlogs are who has still to process messages in it, looked up only where the room becomes scarce.
	Backlogs []Backlog
	// At is when this was so.
	At time.Time
}

// Rooms looks at all streams that are bounded in bytes.
func (s *Streams) Rooms(ctx context.Context) ([]Room, error) {
	var rooms []Room
	for _, name := range []string{Notifications, Events, Retries, DeadLetters, Rejections, Alerts} {
		opened, err := s.js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("open stream %s: %w", name, err)
		}
		room := Room{Usage: usage(opened.CachedInfo()), At: time.Now()}
		if room.MaxBytes <= 0 {
			continue
		}
		room.Share = share(room.Bytes, room.MaxBytes)
		if room.Share >= roomyBelow {
			var status Status
			if err := status.addConsumers(ctx, opened); err != nil {
				return nil, err
			}
			room.Backlogs = slices.DeleteFunc(append(status.Groups, status.Intake), func(b Backlog) bool { return b.todo() == 0 })
		}
		rooms = append(rooms, room)
	}
	return rooms, nil
}

func share(bytes uint64, most int64) float64 {
	if most <= 0 {
		return 0
	}
	return float64(bytes) / float64(most)
}

func (b Backlog) todo() uint64 { return b.Waiting + b.UnderWay }

// The shares of its room at which a stream's state changes. A state is left at a lower share than it is entered,
// so that a stream at the edge does not change to and fro.
const (
	fillingFrom = 0.80
	fullFrom    = 0.95
	easedBelow  = 0.90
	roomyBelow  = 0.75
)

// RoomWatch turns looks at the streams' room into alerts, one for each change. Its zero value knows of no change
// yet. It is not safe for concurrent use.
//
// It watches NOTIFICATIONS, EVENTS and RETRIES, which take nothing new when they are full, and DEAD_LETTERS, which drops
// what nobody may have seen. REJECTIONS and ALERTS are meant to be full and to drop their oldest.
type RoomWatch struct{ states map[string]roomState }

type roomState int

const (
	roomy   roomState = iota
	filling           // the operator was told that it fills up
	full              // the operator was told that it is full
	eased             // the operator was told that there is room again, but it is still scarce
)

// Look takes in how things are and returns what is to be told: when a stream fills up, when it is full, and when
// it has room again.
func (w *RoomWatch) Look(rooms []Room) []notification.Alert {
	if w.states == nil {
		w.states = map[string]roomState{}
	}
	var alerts []notification.Alert
	for i := range rooms {
		room := &rooms[i]
		if room.Name == Rejections || room.Name == Alerts {
			continue
		}
		before := w.states[room.Name]
		after := before.next(room.Share)
		w.states[room.Name] = after
		if alert, tell := room.alert(before, after); tell {
			alerts = append(alerts, alert)
		}
	}
	return alerts
}

func (state roomState) next(share float64) roomState {
	switch {
	case share >= fullFrom:
		return full
	case share < roomyBelow:
		return roomy
	case state == full && share < easedBelow:
		return eased
	case state == roomy && share >= fillingFrom:
		return filling
	default:
		return state
	}
}
