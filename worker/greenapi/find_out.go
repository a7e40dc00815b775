package greenapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source/chat"
	"sluice.internal/shared/stream/reply"
	"sluice.internal/worker/handler"
)

const (
	// findable is for how long it can be found out what became of an answer: GREEN-API keeps what it could not send for 24 hours.
	findable = 24 * time.Hour
	// clockSkew is how far GREEN-API's clock may be behind ours. Its times are in whole seconds.
	clockSkew = 5 * time.Second
	// authorized is the state of an instance that sends.
	authorized = "authorized"
)

var errUnsettled = errors.New("whether a message went out whose worker ended can't be found out yet")

// findOut reports whether an answer went out that somebody began and of which nobody wrote down what became of it. The error is
// why that can't be told yet. What can't be told any more counts as sent: nobody is answered a day later, and perhaps twice.
func (a *answer) findOut(ctx context.Context, begun reply.Record) (sent bool, err error) {
	age := a.now().Sub(begun.BegunAt)
	switch {
	case age < settled:
		return false, handler.RetryAfter(settled-age, fmt.Errorf("answer event: %w", errUnsettled))
	case age > findable:
		a.log.Warn("it is not known whether an event was answered; it is not answered again", "begun_at", begun.BegunAt)
		a.note(ctx, begun, sentAs(begun, ""))
		return true, nil
	}
	message, err := a.look(ctx, begun)
	if err != nil || message == "" {
		return false, err
	}
	a.log.Info("an answer whose worker ended had gone out", "begun_at", begun.BegunAt, "message", message)
	a.note(ctx, begun, sentAs(begun, message))
	return true, nil
}

// sentAs is the record of an answer that was sent when it began, as far as is known.
func sentAs(begun reply.Record, message string) reply.Record {
	return reply.Record{BegunAt: begun.BegunAt, Digest: begun.Digest, SentAt: begun.BegunAt, Message: message}
}

// look returns the id of the answer from the queue or the journal, empty where neither has it.
func (a *answer) look(ctx context.Context, begun reply.Record) (message string, err error) {
	return find(ctx, a.client, begun.BegunAt, func(one Outgoing) bool {
		return digest(a.event.Key, one.ChatID, one.Text) == begun.Digest
	})
}

// find returns the id of the message that matches and waits or was sent since a time, empty where there is none. The error is
// why that can't be told, with a verdict.
func find(ctx context.Context, client *Client, since time.Time, matches func(Outgoing) bool) (id string, err error) {
	waiting, err := client.Waiting(ctx)
	if err != nil {
		return "", fmt.Errorf("find out whether a message waits: %w", err)
	}
	since = since.Add(-clockSkew)
	sent, err := client.Sent(ctx, since)
	if err != nil {
		return "", fmt.Errorf("find out whether a message was sent: %w", err)
	}
	for _, one := range slices.Concat(waiting, sent) {
		if (one.SentAt.IsZero() || !one.SentAt.Before(since)) && matches(one) {
			return one.ID, nil
		}
	}
	// The queue hides its first message. An instance that sends is done with that by now; for one that does not, it may be this.
	state, err := client.State(ctx)
	if err != nil {
		return "", fmt.Errorf("find out whether an instance sends: %w", err)
	}
	if state != authorized {
		return "", handler.RetryAfter(personPause, fmt.Errorf("%w: the instance is %q", errUnsettled, state))
	}
	return "", nil
}

// digest is of an answer, so that its text need not be kept. The key of the event makes it one that no other event has.
func digest(key, to, text string) string {
	return notification.Key(key, chat.Normal(to), strings.TrimSpace(text))
}

// sameText compares texts as they come back from GREEN-API.
func sameText(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }
