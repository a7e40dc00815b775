package find_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/find"
)

// world is a store that a test fills as gateway, intake, groups and people would.
type world struct {
	t   *testing.T
	now time.Time
	// groups have their floor in the only lane, intake is the floor of the only shard.
	groups map[string]uint64
	intake uint64
	// slow is called before each message is read.
	slow func()

	notifications []notification.Notification
	events        []notification.Event
	retries       []notification.Retry
	letters       []notification.DeadLetter
	rejections    []notification.Rejection
	operations    []notification.Operation
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, now: time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC), groups: map[string]uint64{}, slow: func() {}}
}

func (w *world) tick() time.Time {
	w.now = w.now.Add(time.Second)
	return w.now
}

const message = `{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001,"wid":"7@c.us","typeInstance":"whatsapp"},` +
	`"timestamp":1790000000,"idMessage":%q,"senderData":{"chatId":%q,"sender":%[2]q},` +
	`"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"hello"}}}`

// arrive stores a notification.
func (w *world) arrive(body, request string) *notification.Notification {
	w.t.Helper()
	at := w.tick()
	w.notifications = append(w.notifications, notification.Notification{
		Origin: notification.Origin{
			Source: "green-api", Provider: "green-api", ReceivedAt: at, ContentType: "application/json",
			RemoteAddress: "192.0.2.1", RequestID: request, Body: []byte(body),
		},
		Type: "incomingMessageReceived", Instance: "1101000001", Sequence: uint64(len(w.notifications) + 1), StoredAt: at.Add(time.Millisecond),
	})
	return &w.notifications[len(w.notifications)-1]
}

// takeIn makes an event of a notification.
func (w *world) takeIn(n *notification.Notification) *notification.Event {
	w.t.Helper()
	identity, ok := interpret(n)
	if !ok {
		w.t.Fatalf("notification %d can't be read", n.Sequence)
	}
	w.events = append(w.events, notification.Event{
		Origin: n.Origin, Identity: identity, Sequence: uint64(len(w.events) + 1), StoredAt: w.tick(), NotificationSequence: n.Sequence,
	})
	w.intake = max(w.intake, n.Sequence)
	return &w.events[len(w.events)-1]
}

// failed is an event with one failed try more.
func (w *world) failed(e *notification.Event) notification.Event {
	tried := *e
	tried.History = append(tried.History, notification.Try{At: w.tick(), Attempt: len(e.History) + 1, Error: "the bank is away"})
	return tried
}

// all are the identities of a notification and its parts.
func all(n *notification.Notification) (identities []notification.Identity) {
	parts, _ := source.Parts(source.Providers(), n)
	for _, part := range parts {
		if identity, ok := interpret(part); ok {
			identities = append(identities, identity)
		}
	}
	return identities
}

func interpret(n *notification.Notification) (notification.Identity, bool) {
	what, fault := source.Interpret(source.Providers(), n)
	return what.Identity, fault == nil
}

// look finds with a generous time.
func (w *world) look(text string, change ...func(*find.Settings)) *find.Answer {
	w.t.Helper()
	settings := find.Settings{Interpret: all, Limit: 10, Time: time.Hour}
	for _, apply := range change {
		apply(&settings)
	}
	answer, err := find.Run(w.t.Context(), w, text, settings)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer
}

// story looks for a text that one story has.
func (w *world) story(text string) find.Story {
	w.t.Helper()
	answer := w.look(text)
	if len(answer.Stories) != 1 {
		w.t.Fatalf("%q has %d stories: %+v", text, len(answer.Stories), answer.Stories)
	}
	return answer.Stories[0]
}

// steps are the words for what happened, each with its group.
func steps(story find.Story) []string {
	var all []string
	for _, step := range story.Steps {
		word := step.What
		if step.Group != "" {
			word += " " + step.Group
		}
		all = append(all, word)
	}
	return all
}

func (w *world) Progress(context.Context) (admin.Progress, error) {
	progress := admin.Progress{
		At: w.now, Window: 48 * time.Hour, Intake: []uint64{w.intake},
		Notifications: admin.Extent{First: 1, Last: uint64(len(w.notifications))}, Events: admin.Extent{First: 1, Last: uint64(len(w.events))},
	}
	for _, name := range []string{"crm", "mail"} {
		if floor, known := w.groups[name]; known {
			progress.Groups = append(progress.Groups, admin.GroupProgress{Name: name, Floors: []uint64{floor}})
		}
	}
	return progress, nil
}

// items are those of a stream that a query wants, until the context ends.
func items[T any](ctx context.Context, w *world, all []T, wanted func(*T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for i := 0; ; i++ {
			w.slow()
			if err := ctx.Err(); err != nil {
				var none T
				yield(none, fmt.Errorf("read: %w", err))
				return
			}
			if i == len(all) || wanted(&all[i]) && !yield(all[i], nil) {
				return
			}
		}
	}
}

func wants(query admin.Query, sequence uint64, stored time.Time, origin *notification.Origin, kind, instance string) bool {
	return sequence >= query.From && !stored.Before(query.Since) && (query.Until.IsZero() || !stored.After(query.Until)) &&
		(query.Source == "" || query.Source == origin.Source) && (query.Type == "" || query.Type == kind) &&
		(query.Instance == "" || query.Instance == instance)
}

func (w *world) Notifications(ctx context.Context, query admin.Query) iter.Seq2[notification.Notification, error] {
	return items(ctx, w, w.notifications, func(n *notification.Notification) bool {
		return wants(query, n.Sequence, n.StoredAt, &n.Origin, n.Type, n.Instance)
	})
}

func (w *world) Events(ctx context.Context, query admin.Query) iter.Seq2[notification.Event, error] {
	return items(ctx, w, w.events, func(e *notification.Event) bool {
		return wants(query, e.Sequence, e.StoredAt, &e.Origin, e.Type, e.Instance)
	})
}

func (w *world) Retries(ctx context.Context, _ admin.Query) iter.Seq2[notification.Retry, error] {
	return items(ctx, w, w.retries, func(*notification.Retry) bool { return true })
}

func (w *world) DeadLetters(ctx context.Context, query admin.Query) iter.Seq2[notification.DeadLetter, error] {
	return items(ctx, w, w.letters, func(l *notification.DeadLetter) bool { return !l.DiedAt.Before(query.Since) })
}

func (w *world) Rejections(ctx context.Context, query admin.Query) iter.Seq2[notification.Rejection, error] {
	return items(ctx, w, w.rejections, func(r *notification.Rejection) bool { return !r.ReceivedAt.Before(query.Since) })
}

func (w *world) Operations(ctx context.Context, query admin.Query) iter.Seq2[notification.Operation, error] {
	return items(ctx, w, w.operations, func(o *notification.Operation) bool { return !o.At.Before(query.Since) })
}
