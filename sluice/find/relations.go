package find

import (
	"context"
	"slices"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

// addArrival adds a notification, once, without its body: thousands may be found, each with megabytes, and what is told of them needs
// none. InBody says that the text was found in it.
func (f *finder) addArrival(n *notification.Notification, inBody bool) {
	if slices.ContainsFunc(f.found.arrivals, func(a arrival) bool { return a.Sequence == n.Sequence }) {
		return
	}
	a := arrival{Notification: *n, inBody: inBody}
	a.identities = f.settings.Interpret(n)
	a.Body = nil
	f.found.arrivals = append(f.found.arrivals, a)
	f.note(a.story(), a.ReceivedAt)
}

// addEvent adds an event, once, without its body.
func (f *finder) addEvent(e *notification.Event, inBody bool) {
	if slices.ContainsFunc(f.found.events, func(found event) bool { return found.Sequence == e.Sequence }) {
		return
	}
	added := event{Event: *e, inBody: inBody}
	added.Body = nil
	f.found.events = append(f.found.events, added)
	f.note(storyOf(e.Source, e.Key), e.ReceivedAt)
}

// note remembers when a story had something last, by which the newest ones are kept where there are too many.
func (f *finder) note(story string, at time.Time) {
	if at.After(f.found.stories[story]) {
		f.found.stories[story] = at
	}
}

// keys are those that the events of the notification can have. Where they depend on when the first one like it came, that
// was in its window or in a neighbouring one.
func (a *arrival) keys() []string {
	var keys []string
	for _, identity := range a.identities {
		if window := identity.Window; window > 0 {
			begin := a.ReceivedAt.Truncate(window)
			keys = append(keys, identity.KeyIn(begin), identity.KeyIn(begin.Add(-window)), identity.KeyIn(begin.Add(window)))
			continue
		}
		keys = append(keys, identity.Key)
	}
	return keys
}

// isOriginOf reports whether an event was made of the notification. The time tells it from one with the same place in a
// stream that was there before.
func (a *arrival) isOriginOf(e *notification.Event) bool {
	return e.NotificationSequence == a.Sequence && e.ReceivedAt.Equal(a.ReceivedAt)
}

// belongsTo reports whether an event was made of the notification or of one that is the same.
func (a *arrival) belongsTo(e *notification.Event) bool {
	return a.isOriginOf(e) || a.Source == e.Source && slices.Contains(a.keys(), e.Key)
}

// lookForRelations looks for what belongs to the findings where these do not have the text in the body: of copies of such a
// body all were found already.
func (f *finder) lookForRelations(ctx context.Context) error {
	// What is added on the way has its relations already, so that copies are gone through.
	for _, a := range slices.Clone(f.found.arrivals) {
		if a.inBody || len(a.identities) == 0 {
			continue
		}
		if err := f.lookForEvent(ctx, &a); err != nil {
			return err
		}
	}
	for _, e := range slices.Clone(f.found.events) {
		if e.inBody {
			continue
		}
		n, err := f.notificationAt(ctx, e.NotificationSequence)
		if err != nil {
			return err
		}
		if n != nil && n.ReceivedAt.Equal(e.ReceivedAt) {
			f.addArrival(n, false)
		}
		if err := f.lookForRepetitions(ctx, &e.Event); err != nil {
			return err
		}
	}
	return nil
}

// lookForEvent looks for the events that a notification became or was folded into, mostly one.
func (f *finder) lookForEvent(ctx context.Context, a *arrival) error {
	missing := len(a.identities) // A request that was divided has as many events as parts.
	for i := range f.found.events {
		if a.belongsTo(&f.found.events[i].Event) {
			missing--
		}
	}
	query := admin.Query{Source: a.Source, Since: a.StoredAt.Add(-f.progress.Window)}
	if len(a.identities) == 1 {
		query.Type, query.Instance = a.identities[0].Type, a.identities[0].Instance
	}
	if missing <= 0 {
		return nil
	}
	for e, err := range f.data.Events(ctx, query) {
		if err != nil {
			return err
		}
		if !a.belongsTo(&e) {
			continue
		}
		f.addEvent(&e, false)
		if missing--; missing == 0 {
			return nil
		}
	}
	return nil
}

// lookForRepetitions looks for the notifications that were folded into an event.
func (f *finder) lookForRepetitions(ctx context.Context, e *notification.Event) error {
	// The minute is for clocks of gateways that differ; behind the window a repetition is an event of its own.
	query := admin.Query{
		Source: e.Source, Since: e.ReceivedAt.Add(-time.Minute), Until: e.StoredAt.Add(f.progress.Window),
	}
	for n, err := range f.data.Notifications(ctx, query) {
		if err != nil {
			return err
		}
		if n.Instance != "" && n.Instance != e.Instance {
			continue
		}
		a := arrival{Notification: n, identities: f.settings.Interpret(&n)}
		if a.belongsTo(e) {
			f.addArrival(&n, false)
		}
	}
	return nil
}

// small is one of the streams that are read as a whole: their sizes are bounded.
type small struct {
	name string
	read func(ctx context.Context) (count uint64, oldest time.Time, err error)
}

// lookInSmall looks for what became of the findings, and for what was refused.
func (f *finder) lookInSmall(ctx context.Context) error {
	query := admin.Query{Since: f.settings.Since}
	for _, part := range []small{
		{stream.Retries, f.lookInRetries},
		{stream.DeadLetters, func(ctx context.Context) (uint64, time.Time, error) { return f.lookInDeadLetters(ctx, query) }},
		{stream.Rejections, func(ctx context.Context) (uint64, time.Time, error) { return f.lookInRejections(ctx, query) }},
		{stream.Operations, func(ctx context.Context) (uint64, time.Time, error) { return f.lookInOperations(ctx, query) }},
	} {
		count, oldest, err := part.read(ctx)
		f.looked = append(f.looked, Looked{Stream: part.name, Messages: count, Back: oldest, Complete: err == nil})
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return ctx.Err()
}

func (f *finder) lookInRetries(ctx context.Context) (uint64, time.Time, error) {
	return each(f.data.Retries(ctx, admin.Query{}), endless,
		func(r *notification.Retry) (uint64, time.Time) { return r.RetrySequence, r.FirstFailedAt },
		func(r *notification.Retry) {
			if f.isAbout(&r.Event) {
				r.Body = nil
				f.found.retries = append(f.found.retries, *r)
				f.note(storyOf(r.Source, r.Key), r.ReceivedAt)
			}
		})
}

func (f *finder) lookInDeadLetters(ctx context.Context, query admin.Query) (uint64, time.Time, error) {
	return each(f.data.DeadLetters(ctx, query), endless,
		func(l *notification.DeadLetter) (uint64, time.Time) { return l.DeadSequence, l.DiedAt },
		func(l *notification.DeadLetter) {
			if f.isAbout(&l.Event) {
				l.Body = nil
				f.found.letters = append(f.found.letters, *l)
				f.note(letterStory(l), l.ReceivedAt)
			}
		})
}

func (f *finder) lookInRejections(ctx context.Context, query admin.Query) (uint64, time.Time, error) {
	return each(f.data.Rejections(ctx, query), endless,
		func(r *notification.Rejection) (uint64, time.Time) { return r.Sequence, r.ReceivedAt },
		func(r *notification.Rejection) {
			if r.RequestID == f.text.written || f.text.inBody(r.Body) || f.text.anywhere.InMessage(r.Header, nil) {
				r.Body, r.Header, r.TokenDigests = nil, nil, nil
				f.found.rejections = append(f.found.rejections, *r)
				f.note(rejectionStory(r), r.ReceivedAt)
			}
		})
}

// lookInOperations finds what people did to the findings.
func (f *finder) lookInOperations(ctx context.Context, query admin.Query) (uint64, time.Time, error) {
	return each(f.data.Operations(ctx, query), endless,
		func(o *notification.Operation) (uint64, time.Time) { return o.Sequence, o.At },
		func(o *notification.Operation) {
			if o.Sequences == nil && o.Keys == nil {
				f.found.operations = append(f.found.operations, *o)
			}
		})
}

// isAbout reports whether a copy of an event has the text, or is of one that was found.
func (f *finder) isAbout(e *notification.Event) bool {
	if found, _ := f.text.of(&e.Origin); found || f.text.isKey(e.Key) {
		return true
	}
	return slices.ContainsFunc(f.found.events, func(found event) bool { return found.Key == e.Key && found.Source == e.Source }) ||
		slices.ContainsFunc(f.found.arrivals, func(a arrival) bool { return a.belongsTo(e) })
}
