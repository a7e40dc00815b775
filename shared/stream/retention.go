package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
)

// RetentionSettings are how RunRetention works. Zero values mean the defaults.
type RetentionSettings struct {
	Keep Keep
	// Interval is the time between two passes, 30 s by default; Hurry that while NOTIFICATIONS or EVENTS is
	// filling up, 2 s by default.
	Interval, Hurry time.Duration
}

const (
	defaultInterval = 30 * time.Second
	defaultHurry    = 2 * time.Second
)

// RunRetention trims the streams and tells the operator about their room, again and again until the context ends;
// then it returns nil. What goes wrong is logged once and tried again with the next pass. Alert tells the operator;
// what it could not tell it is asked to tell again. All processes may run it at the same time.
func (s *Streams) RunRetention(ctx context.Context, settings RetentionSettings, log *slog.Logger,
	alert func(context.Context, notification.Alert) error,
) error {
	r := &retention{
		streams: s, settings: settings, log: log, alert: alert, health: service.NewCondition("retention", log),
	}
	for {
		pause := r.pass(ctx)
		// Processes that were started at the same time shall not all look at the same time.
		pause += time.Duration((rand.Float64() - 0.5) / 2 * float64(pause)) //nolint:gosec // Spreads, and guards nothing.
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

type retention struct {
	streams  *Streams
	settings RetentionSettings
	log      *slog.Logger
	alert    func(context.Context, notification.Alert) error
	health   *service.Condition
	watch    RoomWatch
	untold   []notification.Alert
}

// pass does everything once and returns when to do it again. Rooms are looked at after trimming, so that nobody is
// told of what has just been put right, and also when that failed. It sets no deadline for the whole: without one the
// client gives each request a few seconds, so that a server that is gone is noticed soon.
func (r *retention) pass(ctx context.Context) (pause time.Duration) {
	trimmed, err := r.streams.Trim(ctx, r.settings.Keep)
	r.note(ctx, Notifications, trimmed.Notifications)
	r.note(ctx, Events, trimmed.Events)
	rooms, roomsErr := r.streams.Rooms(ctx)
	r.untold = append(r.untold, r.watch.Look(rooms)...)
	err = errors.Join(err, roomsErr, r.tell(ctx))
	switch {
	case ctx.Err() != nil:
	case err != nil:
		r.health.Failed(err)
	default:
		r.health.Works()
	}
	scarce := func(room Room) bool {
		return (room.Name == Notifications || room.Name == Events) && room.Share >= fillingFrom
	}
	if slices.ContainsFunc(rooms, scarce) {
		return or(r.settings.Hurry, defaultHurry)
	}
	return or(r.settings.Interval, defaultInterval)
}

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
