// Package gateway is the HTTP edge: it takes webhook notifications in and answers 200 once they are stored.
//
// It asks who sends and how much, never what: a notification that is authenticated and within the limits is
// accepted even if it is not JSON, because a refused one would block the sender's queue for as long as the
// sender repeats it (24 hours with GREEN-API). Judging bodies is the worker's job. The package knows no NATS;
// everything that outlives a request goes through Store.
package gateway

import (
	"context"
	"fmt"
	"time"

	"sluice.internal/shared/notification"
)

// webhook is the whole job. Cheap checks come first: nothing is read before the sender is known.
func (g *Gateway) webhook(v *visit) (answer, error) {
	if err := v.from.admit(v); err != nil {
		return answer{}, err
	}
	giveBack, err := g.load.take(v, g.settings.BodyLimit)
	if err != nil {
		return answer{}, err
	}
	defer giveBack()
	body, encoding, err := v.readBody(g.settings.BodyLimit)
	if err != nil {
		return answer{}, err
	}
	v.stored, err = g.publish(v, newNotification(v, body, encoding))
	if err != nil {
		return answer{}, err
	}
	return stored(v), nil
}

// only answers requests that have another method than those allowed.
func only(allowed string) serveFunc {
	return func(v *visit) (answer, error) {
		v.setHeader("Allow", allowed)
		return answer{}, fmt.Errorf("%w: it is %q", errMethodNotAllowed, shorten(v.request.Method))
	}
}

func newNotification(v *visit, body []byte, encoding string) *notification.Notification {
	kind, instance := v.from.Provider.Peek(body)
	return &notification.Notification{
		Source:          v.from.Name,
		Provider:        v.from.Provider.Name,
		Type:            kind,
		Instance:        instance,
		ReceivedAt:      time.Now().UTC(),
		ContentType:     v.request.Header.Get("Content-Type"),
		ContentEncoding: encoding,
		RemoteAddress:   v.remote(),
		RequestID:       v.id,
		TraceParent:     traceParent(v.request.Header),
		Body:            body,
	}
}

// publish stores the notification and sets its receipt.
//
// A client that hangs up does not stop it. The body is here, so storing it is right whether or not the sender
// hears of it; the sender repeats what it got no answer to, and the repetition is recognised. Giving up would
// only turn every impatient client into a lost try. What does stop it is the source's deadline, which stays
// below the sender's patience, and the end of a shutdown.
func (g *Gateway) publish(v *visit, n *notification.Notification) (*notification.Notification, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.request.Context()), v.from.PublishDeadline)
	defer cancel()
	defer context.AfterFunc(g.cutOff, cancel)()

	receipt, err := g.store.PublishNotification(ctx, n)
	if err != nil {
		err = fmt.Errorf("%w: %w", errStore, err)
		g.outage.failed(err)
		return nil, err
	}
	g.outage.worked()
	n.Sequence = receipt
	return n, nil
}
