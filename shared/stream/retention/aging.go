package retention

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

// Aging says that messages which nobody has processed come near the age at which they go all the same.
type Aging struct {
	// Stream is NOTIFICATIONS or EVENTS, MaxAge the age.
	Stream string
	MaxAge time.Duration
	// First is the oldest message that is not processed, and all that are of concern are before Until.
	First, Until uint64
	// GoesAt is when the first one goes.
	GoesAt time.Time
	// Holder is who has not processed it, in words for people.
	Holder string
}

const (
	// agingFrom is the part of its greatest age from which on the operator is told of a message. With the default that is
	// six days before it goes.
	agingFrom = 0.8
	// goingFrom is the part from which on it is recorded that a message goes unprocessed. With the default that is about an
	// hour before. Retention that does not run then can't record it.
	goingFrom = 0.998
)

// Ages looks for messages of NOTIFICATIONS and EVENTS that are not processed and older than a part of their greatest age.
func Ages(ctx context.Context, client *stream.Client, part float64) ([]Aging, error) {
	var all []Aging
	var failures []error
	for _, name := range []string{stream.Notifications, stream.Events} {
		found, err := agingOf(ctx, client, name, part)
		if err != nil {
			failures = append(failures, fmt.Errorf("look for old messages of stream %s: %w", name, err))
			continue
		}
		if found.Until > found.First {
			all = append(all, found)
		}
	}
	return all, errors.Join(failures...)
}

// agingOf returns an Aging without messages when there is none. Where nothing is old, it costs one request.
func agingOf(ctx context.Context, client *stream.Client, name string, part float64) (Aging, error) {
	opened, err := client.JetStream().Stream(ctx, name)
	if err != nil {
		return Aging{}, fmt.Errorf("open stream: %w", err)
	}
	t := &trimming{client: client, shards: client.Shards(), lanes: client.Lanes(), opened: opened, name: name, info: opened.CachedInfo()}
	state, maxAge := t.info.State, t.info.Config.MaxAge
	old := time.Duration(part * float64(maxAge))
	if maxAge == 0 || state.Msgs == 0 || !state.FirstTime.Before(t.info.TimeStamp.Add(-old)) {
		return Aging{}, nil
	}
	// What is as old is before this one. The newest of all is none of these for firstSince, but it goes as well.
	until, err := t.firstSince(ctx, old)
	if err != nil {
		return Aging{}, err
	}
	if state.LastTime.Before(t.info.TimeStamp.Add(-old)) {
		until = state.LastSeq + 1
	}
	first, holder, err := t.lowWaterMark(ctx, until)
	if err != nil || first >= until {
		return Aging{}, err
	}
	found := Aging{Stream: name, MaxAge: maxAge, First: first, Until: until, Holder: holder}
	message, err := opened.GetMsg(ctx, first)
	if err != nil {
		return Aging{}, fmt.Errorf("read message %d: %w", first, err)
	}
	found.GoesAt = message.Time.Add(maxAge)
	return found, nil
}

// alert tells the operator what is about to go, and what keeps it.
func (a *Aging) alert() notification.Alert {
	noun, verb, remedy := "events", "handled", "Start workers of the group, remove it with `sluice groups rm` if nobody needs it"
	if a.Stream == stream.Notifications {
		noun, verb, remedy = "notifications", "taken in", "Start workers, see whether "+stream.Events+" is full"
	}
	return notification.Alert{
		Severity: notification.SeverityCritical, At: time.Now(),
		Title: noun + " that were not " + verb + " are about to go",
		Detail: fmt.Sprintf("Up to %d %s from %d on wait for %s. They go at their greatest age of %s, the first one at %s. %s, "+
			"or raise streams.%s.max_age.", a.Until-a.First, noun, a.First, a.Holder, a.MaxAge, a.GoesAt.UTC().Format(time.RFC3339),
			remedy, strings.ToLower(a.Stream)),
	}
}

// tellAgain is how often the operator is told of the same stream.
const tellAgain = 24 * time.Hour

// agingWatch knows what was told and recorded of aging messages. Its zero value knows nothing.
type agingWatch struct {
	told     map[string]time.Time
	recorded map[string]uint64
}

// look returns what is to be told: once a day of each stream, as long as it lasts.
func (w *agingWatch) look(ages []Aging, now time.Time) []notification.Alert {
	told := map[string]time.Time{}
	var alerts []notification.Alert
	for i := range ages {
		last, known := w.told[ages[i].Stream]
		if !known || now.Sub(last) >= tellAgain {
			alerts, last = append(alerts, ages[i].alert()), now
		}
		told[ages[i].Stream] = last
	}
	w.told = told
	return alerts
}

// record keeps which messages go unprocessed, so that sluice audit can say so once they are gone.
func (w *agingWatch) record(ctx context.Context, client *stream.Client, going []Aging) error {
	for _, a := range going {
		first := max(a.First, w.recorded[a.Stream]+1)
		if first >= a.Until {
			continue
		}
		operation := notification.Operation{
			What: notification.OperationAgeOut, At: time.Now().UTC(), By: "sluice", Detail: "not processed by " + a.Holder,
			Sequences: map[string]notification.Sequences{a.Stream: notification.Range(first, a.Until-1)},
		}
		if err := admin.NewClient(client).RecordOperation(ctx, operation); err != nil {
			return err
		}
		if w.recorded == nil {
			w.recorded = map[string]uint64{}
		}
		w.recorded[a.Stream] = a.Until - 1
	}
	return nil
}

// lookAtAges tells the operator of what is older than a part of its greatest age, and records what goes.
func (r *retention) lookAtAges(ctx context.Context, aging, going float64) error {
	ages, err := Ages(ctx, r.client, aging)
	r.untold = append(r.untold, r.aging.look(ages, time.Now())...)
	if len(ages) == 0 || err != nil {
		return err
	}
	last, err := Ages(ctx, r.client, going)
	if err != nil {
		return err
	}
	return r.aging.record(ctx, r.client, last)
}
