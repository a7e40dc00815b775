package greenapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	api "sluice.internal/shared/greenapi"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/reply"
	"sluice.internal/worker/handler"
)

const (
	// sendTimeout bounds sending an answer, with the wait for its turn. Whoever wrote down that it begins and has not ended after
	// that sends no more.
	sendTimeout = time.Minute
	// settled is when it can be found out what became of an answer since it began: nobody sends it any more, and the journal
	// has it if it was sent.
	settled = sendTimeout + api.JournalDelay + 30*time.Second
	// noteTimeout bounds writing down what became of an answer, also when the handler's time is over.
	noteTimeout = 10 * time.Second
	// overtakenPause is how long to wait when another worker has the same answer in hand.
	overtakenPause = 5 * time.Second
	// rateTries is how often an answer is offered that is refused for too many requests.
	rateTries = 3
)

// Records is where it is written down what was answered; reply.Client does.
type Records interface {
	Read(ctx context.Context, id reply.ID) (reply.Record, error)
	Change(ctx context.Context, id reply.ID, from, to reply.Record) (reply.Record, error)
}

// Replier answers events of a group by the accounts of their instances, each once. All fields are needed. It is safe for
// concurrent use.
type Replier struct {
	Accounts *Accounts
	Records  Records
	Group    string
	// Alert tells the operator what only a person can put right.
	Alert func(context.Context, notification.Alert) error
	Log   *slog.Logger
	// Now is the clock; nil means the real one.
	Now func() time.Time
}

// answer is one answer under way.
type answer struct {
	*Replier
	event  notification.Event
	id     reply.ID
	client *Client
	chat   string
	text   string
	log    *slog.Logger
}

var errNoChat = errors.New("there is no chat to answer to: only events of GREEN-API that are about a chat have one")

// Reply sends the text to the chat of the event, unless that was done before. Number counts the answers of one event, from 1.
// Before it is sent it is written down that this begins, and afterwards that it was sent. The error is a verdict.
func (r *Replier) Reply(ctx context.Context, event notification.Event, number int, text string) error {
	if event.Provider != provider || event.OrderKey == "" {
		return handler.Permanent(errNoChat)
	}
	client, err := r.Accounts.Client(event.Source, event.Instance)
	if err != nil {
		return handler.RetryAfter(personPause, fmt.Errorf("answer event: %w", err))
	}
	a := &answer{
		Replier: r, event: event, client: client, chat: event.OrderKey, text: text,
		id:  reply.ID{Group: r.Group, Key: event.Key, Number: number},
		log: r.Log.With("key", event.Key, "source", event.Source, "instance", event.Instance, "group", r.Group, "number", number),
	}
	if event.AnswerAgain {
		a.id.Round = event.Round
	}
	begun, sent, err := a.begin(ctx)
	if err != nil || sent {
		return err
	}
	return a.send(ctx, begun)
}

const provider = "green-api"

// begin writes down that the answer is about to be sent. Sent is true where that was done before.
func (a *answer) begin(ctx context.Context) (begun reply.Record, sent bool, err error) {
	// Nearly always nobody has begun, so that is tried without looking.
	begun, err = a.Records.Change(ctx, a.id, reply.Record{}, a.beginning())
	if !errors.Is(err, reply.ErrOvertaken) {
		return begun, false, err
	}
	present, err := a.Records.Read(ctx, a.id)
	switch {
	case err != nil:
		return reply.Record{}, false, err
	case !present.SentAt.IsZero():
		a.log.Debug("event was answered before")
		return reply.Record{}, true, nil
	case !present.BegunAt.IsZero(): // By somebody who did not say what became of it.
		if sent, err = a.findOut(ctx, present); sent || err != nil {
			return reply.Record{}, sent, err
		}
	}
	begun, err = a.Records.Change(ctx, a.id, present, a.beginning())
	return begun, false, a.overtaken(err)
}

func (a *answer) beginning() reply.Record {
	return reply.Record{BegunAt: a.now(), Digest: digest(a.event.Key, a.chat, a.text)}
}

// overtaken has an answer wait that another worker has in hand.
func (a *answer) overtaken(err error) error {
	if errors.Is(err, reply.ErrOvertaken) {
		return handler.RetryAfter(overtakenPause, fmt.Errorf("answer event: %w", err))
	}
	return err
}

// send sends the answer and writes down what became of it.
func (a *answer) send(ctx context.Context, begun reply.Record) error {
	message, err := a.offer(ctx, begun.BegunAt)
	var failure *api.Error
	switch {
	case err == nil:
		a.note(ctx, begun, reply.Record{BegunAt: begun.BegunAt, Digest: begun.Digest, SentAt: a.now(), Message: message})
		a.log.Debug("event answered", "message", message)
		return nil
	case errors.As(err, &failure) && failure.MayBeDone:
		// Nothing is written down: whoever comes next finds out.
		return handler.RetryAfter(settled, fmt.Errorf("answer event; whether it went out is found out then: %w", err))
	}
	a.note(ctx, begun, reply.Record{})
	a.tell(ctx, err)
	return fmt.Errorf("answer event: %w", err)
}

// offer sends the answer, within the time in which nobody else does. A process that was frozen meanwhile sends no more.
func (a *answer) offer(ctx context.Context, begunAt time.Time) (message string, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout-a.now().Sub(begunAt))
	defer cancel()
	for range rateTries {
		message, err = a.client.SendMessage(ctx, Message{ChatID: a.chat, Text: a.text})
		if api.ReasonOf(err) != TooManyRequests {
			break
		}
	}
	return message, err
}

// note writes down what became of the answer, also when the handler's time is over. What can't be written is found out by who
// comes next; for a reader of the log it is told.
func (a *answer) note(ctx context.Context, from, to reply.Record) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	if _, err := a.Records.Change(ctx, a.id, from, to); err != nil {
		a.log.Warn("what became of an answer is not written down; a repetition of the event finds it out", "sent", !to.SentAt.IsZero(), "error", err)
	}
}

// tell tells the operator what only a person can put right.
func (a *answer) tell(ctx context.Context, err error) {
	title := map[Reason]string{
		Unauthorized:  "GREEN-API refuses the token of an instance",
		NoInstance:    "GREEN-API knows no such instance",
		Inactive:      "An instance at GREEN-API has expired or is not authorized",
		QuotaExceeded: "The tariff of an instance at GREEN-API is used up",
	}[api.ReasonOf(err)]
	if title == "" {
		return
	}
	alert := notification.Alert{
		Severity: notification.SeverityCritical, Title: title, At: a.now(), Source: a.event.Source, Instance: a.event.Instance,
		Detail: fmt.Sprintf("Events of group %q can't be answered: %s.", a.Group, err),
	}
	if err := a.Alert(ctx, alert); err != nil {
		a.log.Warn("operator was not told that events can't be answered", "error", err)
	}
}

func (r *Replier) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now().UTC()
}
