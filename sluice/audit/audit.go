package audit

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/ledger"
)

// Data is what is accounted for; *admin.Client is.
type Data interface {
	Progress(ctx context.Context) (admin.Progress, error)
	Notifications(ctx context.Context, query admin.Query) iter.Seq2[notification.Notification, error]
	Events(ctx context.Context, query admin.Query) iter.Seq2[notification.Event, error]
	Retries(ctx context.Context, query admin.Query) iter.Seq2[notification.Retry, error]
	DeadLetters(ctx context.Context, query admin.Query) iter.Seq2[notification.DeadLetter, error]
	Operations(ctx context.Context, query admin.Query) iter.Seq2[notification.Operation, error]
	Bots(ctx context.Context) ([]admin.Bot, error)
}

// Settings are what can be chosen about an audit.
type Settings struct {
	// Providers know how to read notifications, as the intake's do.
	Providers map[string]source.Provider
	// Ledgers are what simulators sent. Each is gone through up to twice.
	Ledgers []iter.Seq2[ledger.Entry, error]
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
	if err := service.Sleep(ctx, cmp.Or(settings.Pause, defaultPause)); err != nil {
		return nil, err
	}
	return look(ctx, data, settings)
}

// account is one look at everything.
type account struct {
	data     Data
	settings Settings
	report   Report
	faults   findings
	ledgers  *ledgerIndex

	// before is how things were when the look began. It decides what is accounted for and who had done what. behind is
	// how they were once everything but the notifications was read.
	before, behind admin.Progress

	events *index
	// groups are the places of the groups' balances in the report.
	groups    map[string]int
	accounted map[place]bool
	// bots are those that an event may be for.
	bots map[botEvents][]botAt
	// invalid, dropped and sentAgain say what became of notifications that are no events.
	invalid   map[piece][]time.Time // when those with a dead letter were received
	dropped   map[piece]bool
	sentAgain map[piece]bool
	// erased and agedOut are the places of what is gone on purpose, by stream.
	erased, agedOut map[string]*notification.Sequences
	// erasedKeys are those of events that were erased, as far as they had repetitions still to come.
	erasedKeys []*notification.KeySet
	// kept counts notifications that are there although they were to be erased.
	kept      uint64
	eventGaps *gaps
	misplaced misplacedEvents
	deferred  []deferredCheck
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
//   - What was trimmed is decided by what the streams hold after they were read: it is gone then, and was older than
//     everything that is left.
func look(ctx context.Context, data Data, settings Settings) (*Report, error) {
	a := &account{
		data: data, settings: settings, faults: findings{limit: settings.Limit},
		groups: map[string]int{}, accounted: map[place]bool{},
		invalid: map[piece][]time.Time{}, dropped: map[piece]bool{}, sentAgain: map[piece]bool{},
		erased: map[string]*notification.Sequences{}, agedOut: map[string]*notification.Sequences{},
	}
	var err error
	if a.ledgers, err = indexLedgers(ctx, settings.Ledgers); err != nil {
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
		a.readBots, a.readEvents, a.readRetries, a.readDeadLetters, a.readOperations, a.readNotifications,
	} {
		if err := read(ctx); err != nil {
			return nil, err
		}
	}
	a.closeGroups()
	a.closeLedgers()
	a.closeGone()
	a.report.Items, a.report.Counts = a.faults.items, a.faults.counts
	return &a.report, nil
}

// watchEvery is after how many messages who watches is told.
const watchEvery = 4096

// read goes through the messages of a stream up to the last one that counts.
func read[T any](ctx context.Context, a *account, name string, held admin.Extent, items iter.Seq2[T, error],
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
