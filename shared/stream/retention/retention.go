package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
)

// Settings are how Run works.
type Settings struct {
	// Streams say how long processed messages stay.
	Streams config.Streams
	// Interval is the time between two passes, 30 s by default; BusyInterval that while NOTIFICATIONS or EVENTS is
	// nearly full, 2 s by default. Zero means these defaults; tests choose shorter ones.
	Interval, BusyInterval time.Duration
}

const (
	defaultInterval     = 30 * time.Second
	defaultBusyInterval = 2 * time.Second
)

// Run trims the streams and tells the operator about their capacity, again and again until the context ends;
// then it returns nil. What goes wrong is logged once and tried again with the next pass. Alert tells the operator;
// what it could not tell it is asked to tell again. All processes may run it at the same time.
func Run(ctx context.Context, client *stream.Client, settings Settings, log *slog.Logger,
	alert func(context.Context, notification.Alert) error,
) error {
	r := &retention{
		client: client, settings: settings, log: log, alert: alert, health: service.NewCondition("retention", log),
	}
	for {
		pause := r.pass(ctx)
		// Processes that were started at the same time shall not all look at the same time.
		pause += time.Duration((rand.Float64() - 0.5) / 2 * float64(pause)) //nolint:gosec // Spreads, and guards nothing.
		if service.Sleep(ctx, pause) != nil {
			return nil //nolint:nilerr // The end of the context is the end of the work.
		}
	}
}

// retention is one process's round of passes. It is used by one goroutine.
type retention struct {
	client   *stream.Client
	settings Settings
	log      *slog.Logger
	alert    func(context.Context, notification.Alert) error
	health   *service.Condition
	watch    Watch
	aging    agingWatch
	// untold are the alerts that could not be told yet, oldest first. There is at most one for each change of
	// a stream.
	untold []notification.Alert
}

// pass does everything once and returns when to do it again. Capacities and ages are looked at after trimming, so that
// nobody is told of what has just been put right, and also when that failed. It sets no deadline for the whole: without one the
// client gives each request a few seconds, so that a server that is gone is noticed soon.
func (r *retention) pass(ctx context.Context) (pause time.Duration) {
	trimmed, err := Trim(ctx, r.client, r.settings.Streams)
	r.note(ctx, stream.Notifications, trimmed.Notifications)
	r.note(ctx, stream.Events, trimmed.Events)
	capacities, capacitiesErr := Capacities(ctx, r.client)
	r.untold = append(r.untold, r.watch.Look(capacities)...)
	err = errors.Join(err, capacitiesErr, r.lookAtAges(ctx, agingFrom, goingFrom), r.tell(ctx))
	switch {
	case ctx.Err() != nil:
	case err != nil:
		r.health.Failed(err)
	default:
		r.health.Works()
	}
	scarce := func(capacity Capacity) bool {
		return (capacity.Name == stream.Notifications || capacity.Name == stream.Events) && capacity.Share >= highFrom
	}
	if slices.ContainsFunc(capacities, scarce) {
		return cmp.Or(r.settings.BusyInterval, defaultBusyInterval)
	}
	return cmp.Or(r.settings.Interval, defaultInterval)
}

// note logs what a pass took out of a stream, and who holds the rest.
func (r *retention) note(ctx context.Context, name string, cut Cut) {
	if cut.Messages == 0 {
		return
	}
	level := slog.LevelDebug
	if cut.Early { // It happens once per tenth of the stream.
		level = slog.LevelInfo
	}
	r.log.Log(ctx, level, "stream trimmed", "stream", name, "messages", cut.Messages,
		"bytes", cut.Bytes, "first", cut.First, "early", cut.Early, "held_by", cut.HeldBy)
}

// tell tells what is untold and keeps what could not be told.
func (r *retention) tell(ctx context.Context) error {
	for len(r.untold) > 0 {
		if err := r.alert(ctx, r.untold[0]); err != nil {
			return fmt.Errorf("tell that %s: %w", r.untold[0].Title, err)
		}
		r.untold = r.untold[1:]
	}
	return nil
}
