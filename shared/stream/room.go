package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
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
	for _, name := range []string{Notifications, Events, DeadLetters, Rejections, Alerts} {
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
// It watches NOTIFICATIONS and EVENTS, which refuse what is new when they are full, and DEAD_LETTERS, which drops
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

func (r *Room) alert(before, after roomState) (alert notification.Alert, tell bool) {
	alert = notification.Alert{Severity: notification.SeverityWarning, At: r.At}
	switch {
	case before == after, before == eased && after == roomy:
		return alert, false
	case after == full:
		alert.Severity = notification.SeverityCritical
		alert.Title = "stream " + r.Name + " is full"
		alert.Detail = join(r.used(), r.consequence(true), r.waiting(), r.advice())
	case after == filling:
		alert.Title = "stream " + r.Name + " is filling up"
		alert.Detail = join(r.used(), r.consequence(false), r.waiting(), r.advice())
	default:
		alert.Title = "stream " + r.Name + " has room again"
		alert.Detail = join(r.used(), r.waiting())
	}
	return alert, true
}

func join(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
}

func (r *Room) used() string {
	return fmt.Sprintf("It has used %.0f %% of its %s.", 100*r.Share, inUnits(r.MaxBytes))
}

func inUnits(bytes int64) string {
	switch {
	case bytes >= gib:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/float64(gib))
	case bytes >= mib:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/float64(mib))
	default:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/float64(kib))
	}
}

// consequence says what happens without room.
func (r *Room) consequence(now bool) string {
	effect := map[string]string{
		Notifications: "senders are answered 503 for what does not fit",
		Events:        "no events are made of new notifications, which wait in " + Notifications,
		DeadLetters:   "the oldest dead letters are dropped for new ones",
	}[r.Name]
	if now {
		return strings.ToUpper(effect[:1]) + effect[1:] + "."
	}
	return "When it is full, " + effect + "."
}

// mostBacklogs is how many backlogs are told one by one.
const mostBacklogs = 3

// waiting says what is not processed yet and by whom.
func (r *Room) waiting() string {
	if r.Name == DeadLetters {
		return ""
	}
	if len(r.Backlogs) == 0 {
		return "Everything in it is processed; what is gets taken out earlier than it was to be kept."
	}
	largest := slices.SortedFunc(slices.Values(r.Backlogs), func(a, b Backlog) int {
		return cmp.Compare(b.todo(), a.todo())
	})
	var parts []string
	for _, b := range largest[:min(len(largest), mostBacklogs)] {
		who := "the intake"
		if r.Name == Events {
			who = fmt.Sprintf("group %q", b.Name)
		}
		part := fmt.Sprintf("%d wait for %s", b.todo(), who)
		if b.Workers == 0 {
			part += ", which no worker serves at the moment"
		}
		parts = append(parts, part)
	}
	if more := len(largest) - mostBacklogs; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more groups are behind", more))
	}
	return "Not processed: " + strings.Join(parts, "; ") + "."
}

// advice says what can be done.
func (r *Room) advice() string {
	knob := "give it more room with streams." + strings.ToLower(r.Name) + ".max_bytes."
	switch {
	case r.Name == DeadLetters:
		return "Send what is in it through again, or " + knob
	case len(r.Backlogs) == 0:
		return "To keep them longer, " + knob
	case r.Name == Events:
		return "Start workers of these groups, remove a group that nobody needs, or " + knob
	default:
		return "Start workers, see whether " + Events + " is full, or " + knob
	}
}

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
