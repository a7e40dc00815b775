// Package audit accounts for every notification and every event, from nothing but what is stored: what came in must
// have become an event or have a reason not to, once and in its order. It changes nothing, and knows neither the
// command line nor how the streams are made.
//
// An event costs 64 bytes while it is accounted for, and a chat, a body in a ledger and a notification that nothing
// accounts for 100 to 200 bytes each; the process takes about twice as much. All other notifications cost nothing.
package audit

import (
	"context"
	"fmt"
	"iter"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/simulate"
)

// Data is what is accounted for; *stream.Streams is.
type Data interface {
	Progress(ctx context.Context) (stream.Progress, error)
	Notifications(ctx context.Context, query stream.Query) iter.Seq2[notification.Notification, error]
	Events(ctx context.Context, query stream.Query) iter.Seq2[notification.Event, error]
	Retries(ctx context.Context, query stream.Query) iter.Seq2[notification.Retry, error]
	DeadLetters(ctx context.Context, query stream.Query) iter.Seq2[notification.DeadLetter, error]
	Operations(ctx context.Context, query stream.Query) iter.Seq2[notification.Operation, error]
}

// Settings are what can be chosen about an audit.
type Settings struct {
	// Providers know how to read notifications, as the intake's do.
	Providers map[string]source.Provider
	// Ledgers are what simulators sent. Each is gone through up to twice.
	Ledgers []iter.Seq2[simulate.Entry, error]
	// Limit is how many items of each kind the report has; 0 means all.
	Limit int
	// Duplicates makes each duplicate an item of the report.
	Duplicates bool
	// Pause is how long to wait before what seems to be wrong is looked at again; a second by default.
	Pause time.Duration
	// Watch, where it is not nil, is told every now and then how many messages of a stream were read and about how
	// many there are.
	Watch func(stream string, read, all uint64)
}

const defaultPause = time.Second

// Run accounts for what is stored when it begins. The system may work meanwhile. What is wrong is looked at a second
// time before it is reported.
func Run(ctx context.Context, data Data, settings Settings) (*Report, error) {
	report, err := look(ctx, data, settings)
	if err != nil || report.Wrong() == 0 {
		return report, err
	}
	pause := time.NewTimer(orDefault(settings.Pause))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return look(ctx, data, settings)
}

func orDefault(pause time.Duration) time.Duration {
	if pause == 0 {
		return defaultPause
	}
	return pause
}

// account is one look at everything.
type account struct {
	data     Data
	settings Settings
	report   Report
	faults   findings
	book     *book

	// before is how things were when the look began. It decides what is accounted for and who had done what. behind is
	// how they were once everything but the notifications was read.
	before, behind stream.Progress

	events *index
	// groups are the places of the groups' balances in the report.
	groups map[string]int
	placed map[place]bool
	// invalid, dropped and sentAgain say what became of notifications that are no events, by their sequence.
	invalid   map[uint64][]time.Time // when those with a dead letter were received
	dropped   map[uint64]bool
	sentAgain map[uint64]bool
	eventGaps *gaps
	suspects  suspects
	claims    []claim
	open      []candidate
}

// look reads everything once, in an order in which nothing can slip through while it moves on:
//
//   - The ledgers come first. What they say was answered 200 was stored before, so it is among the notifications that
//     are accounted for.
//   - Then the floors of all consumers and, after them, the ends of the streams. A notification is acknowledged after
//     its event or dead letter is stored, so all up to a floor have theirs at or below these ends. What is above its
//     floor counts as waiting, unless it has come further already.
//   - Then what things turn into, each before what it may turn into next: events, retries (which become dead letters),
//     dead letters (which are dropped after an operation was recorded, or sent again as new notifications), operations.
//   - The notifications come last, including those stored since, which may be the second try of one of those before.
//   - What was trimmed is judged by what the streams hold after they were read: it is gone then, and was older than
//     everything that is left.
func look(ctx context.Context, data Data, settings Settings) (*Report, error) {
	a := &account{
		data: data, settings: settings, faults: findings{limit: settings.Limit},
		groups: map[string]int{}, placed: map[place]bool{},
		invalid: map[uint64][]time.Time{}, dropped: map[uint64]bool{}, sentAgain: map[uint64]bool{},
	}
	var err error
	if a.book, err = openBook(ctx, settings.Ledgers); err != nil {
		return nil, err
	}
	if a.before, err = data.Progress(ctx); err != nil {
		return nil, err
	}
	for i, group := range a.before.Groups {
		a.groups[group.Name] = i
		a.report.Groups = append(a.report.Groups, GroupBalance{Name: group.Name})
	}
	for _, read := range []func(context.Context) error{
		a.readEvents, a.readRetries, a.readDeadLetters, a.readOperations, a.readNotifications,
	} {
		if err := read(ctx); err != nil {
			return nil, err
		}
	}
	a.closeGroups()
	a.closeBook()
	a.report.Items, a.report.Counts = a.faults.items, a.faults.counts
	return &a.report, nil
}

// watchEvery is after how many messages who watches is told.
const watchEvery = 4096

// read goes through the messages of a stream up to the last one that counts.
func read[T any](ctx context.Context, a *account, name string, held stream.Extent, items iter.Seq2[T, error],
	sequence func(*T) uint64, visit func(*T),
) error {
	count := uint64(0)
	tell := func() {
		if a.settings.Watch != nil {
			a.settings.Watch(name, count, held.Messages)
		}
	}
	for item, err := range items {
		if err != nil {
			return err
		}
		if sequence(&item) > held.Last {
			break
		}
		visit(&item)
		if count++; count%watchEvery == 0 {
			tell()
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("read stream %s: %w", name, context.Cause(ctx))
	}
	tell()
	return nil
}
