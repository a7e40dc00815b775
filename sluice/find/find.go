package find

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

// Data is what is looked through; *admin.Client is.
type Data interface {
	Progress(ctx context.Context) (admin.Progress, error)
	Notifications(ctx context.Context, query admin.Query) iter.Seq2[notification.Notification, error]
	Events(ctx context.Context, query admin.Query) iter.Seq2[notification.Event, error]
	Retries(ctx context.Context, query admin.Query) iter.Seq2[notification.Retry, error]
	DeadLetters(ctx context.Context, query admin.Query) iter.Seq2[notification.DeadLetter, error]
	Rejections(ctx context.Context, query admin.Query) iter.Seq2[notification.Rejection, error]
	Operations(ctx context.Context, query admin.Query) iter.Seq2[notification.Operation, error]
}

// Settings are what can be chosen about a look.
type Settings struct {
	// Interpret returns what a notification is: nothing where that can't be read from it, and several where it is divided.
	// source.Parts and source.Interpret know.
	Interpret func(n *notification.Notification) []notification.Identity
	// Limit is how many stories there may be, Time how long it may look.
	Limit int
	Time  time.Duration
	// Since leaves out what was stored before; zero means all.
	Since time.Time
	// Watch, where it is not nil, is told now and then how far back a stream was read.
	Watch func(stream string, back time.Time)
}

// The parts of the time after which the large streams are left, and after which relations are. The rest is for the small
// streams.
const (
	largeShare    = 0.6
	relationShare = 0.8
)

// finder is one look.
type finder struct {
	data     Data
	settings Settings
	text     text
	progress admin.Progress
	found    findings
	looked   []Looked
}

// findings are what was found, without the bodies.
type findings struct {
	arrivals   []arrival
	events     []event
	retries    []notification.Retry
	letters    []notification.DeadLetter
	rejections []notification.Rejection
	operations []notification.Operation
	// stories are the notifications that they are of, with the time at which the newest of a story was received.
	stories map[string]time.Time
}

// arrival is a notification that was found.
type arrival struct {
	notification.Notification

	identities []notification.Identity // several where it is divided, none where it can't be read
	inBody     bool                    // the text stands in it
}

// identity returns what the notification is, as far as that is one thing.
func (a *arrival) identity() notification.Identity {
	if len(a.identities) == 1 {
		return a.identities[0]
	}
	return notification.Identity{Type: a.Type, Instance: a.Instance}
}

// event is one that was found.
type event struct {
	notification.Event

	inBody bool
}

// Run looks for a text: the sender's id, a receipt, a request id, a key or its beginning, a chat or a phone number.
// When its time is over it tells what it has found. Errors: stream.ErrUnavailable, and that of the context.
func Run(ctx context.Context, data Data, written string, settings Settings) (*Answer, error) {
	written = strings.TrimSpace(written)
	if written == "" {
		return nil, errors.New("there is nothing to look for")
	}
	f := &finder{data: data, settings: settings, text: newText(written), found: findings{stories: map[string]time.Time{}}}
	began := time.Now()
	var err error
	if f.progress, err = data.Progress(ctx); err != nil {
		return nil, err
	}
	for _, phase := range []struct {
		share float64
		look  func(context.Context) error
	}{{largeShare, f.lookInLarge}, {relationShare, f.lookForRelations}, {1, f.lookInSmall}} {
		until := began.Add(time.Duration(phase.share * float64(settings.Time)))
		bounded, cancel := context.WithDeadline(ctx, until)
		err := phase.look(bounded)
		over := bounded.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil && !over {
			return nil, err
		}
	}
	return &Answer{Stories: f.assemble(), Looked: f.looked, Limited: f.isFull()}, nil
}

func (f *finder) isFull() bool { return len(f.found.stories) > f.settings.Limit }

// isEnough reports whether both walks are farther back than the oldest story that is to be told.
func (f *finder) isEnough(walks []*walk) bool {
	if !f.isFull() {
		return false
	}
	times := slices.SortedFunc(maps.Values(f.found.stories), func(a, b time.Time) int { return b.Compare(a) })
	oldest := times[f.settings.Limit-1]
	return !slices.ContainsFunc(walks, func(w *walk) bool { return !w.Complete && !w.Back.Before(oldest) })
}

// lookInLarge reads NOTIFICATIONS and EVENTS by turns, so that it comes equally far in both.
func (f *finder) lookInLarge(ctx context.Context) error {
	notifications := newWalk(stream.Notifications, f.progress.Notifications, f.settings.Since)
	notifications.visit = f.visitNotifications
	events := newWalk(stream.Events, f.progress.Events, f.settings.Since)
	events.visit = f.visitEvents
	walks := []*walk{notifications, events}
	defer func() {
		for _, w := range walks {
			f.looked = append(f.looked, w.Looked)
		}
	}()
	if err := f.lookUpReceipt(ctx); err != nil {
		return err
	}
	for !f.isEnough(walks) && ctx.Err() == nil {
		next := later(notifications, events)
		if next == nil {
			return nil
		}
		if err := next.step(ctx); err != nil {
			return err
		}
		if f.settings.Watch != nil {
			f.settings.Watch(next.Stream, next.Back)
		}
	}
	return ctx.Err()
}

// later returns the walk that is less far back in time, nil when both are at their ends.
func later(a, b *walk) *walk {
	switch {
	case a.Complete && b.Complete:
		return nil
	case a.Complete:
		return b
	case b.Complete, a.Messages == 0:
		return a
	case b.Messages == 0 || b.Back.After(a.Back):
		return b
	default:
		return a
	}
}

// lookUpReceipt asks for the notification that the text may be the receipt of.
func (f *finder) lookUpReceipt(ctx context.Context) error {
	if f.text.receipt == 0 {
		return nil
	}
	n, err := f.notificationAt(ctx, f.text.receipt)
	if err == nil && n != nil {
		f.addArrival(n, false)
	}
	return err
}

// notificationAt returns the notification at a place, nil where there is none.
func (f *finder) notificationAt(ctx context.Context, sequence uint64) (*notification.Notification, error) {
	for n, err := range f.data.Notifications(ctx, admin.Query{From: sequence}) {
		if err != nil || n.Sequence != sequence {
			return nil, err
		}
		return &n, nil
	}
	return nil, nil //nolint:nilnil // That is the answer.
}

func (f *finder) visitNotifications(ctx context.Context, query admin.Query, until uint64) (uint64, time.Time, error) {
	return each(f.data.Notifications(ctx, query), until,
		func(n *notification.Notification) (uint64, time.Time) { return n.Sequence, n.StoredAt },
		func(n *notification.Notification) {
			if found, inBody := f.text.of(&n.Origin); found && !n.StoredAt.Before(f.settings.Since) {
				f.addArrival(n, inBody)
			}
		})
}

func (f *finder) visitEvents(ctx context.Context, query admin.Query, until uint64) (uint64, time.Time, error) {
	return each(f.data.Events(ctx, query), until,
		func(e *notification.Event) (uint64, time.Time) { return e.Sequence, e.StoredAt },
		func(e *notification.Event) {
			if e.StoredAt.Before(f.settings.Since) {
				return
			}
			found, inBody := f.text.of(&e.Origin)
			if found || f.text.isKey(e.Key) || e.OrderKey != "" && e.OrderKey == f.text.written {
				f.addEvent(e, inBody)
			}
		})
}
