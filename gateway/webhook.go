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

// webhook is the whole job. Cheap checks come first: nothing is read before the sender is known, unless the body is what
// proves it.
func (g *Gateway) webhook(v *visit) (answer, error) {
	if err := v.from.admitAddress(v); err != nil {
		return answer{}, err
	}
	if v.from.coversBody() {
		return g.verified(v)
	}
	if err := v.from.admit(v); err != nil {
		return answer{}, err
	}
	giveBack, err := g.load.take(v, g.settings.BodyLimit)
	if err != nil {
		return answer{}, err
	}
	defer giveBack()
	if err := v.readRaw(g.settings.BodyLimit); err != nil {
		return answer{}, err
	}
	return g.accept(v)
}

// verified is webhook for a source whose bodies prove who sends. Bodies of those who are not known yet have memory of
// their own, by what has come of them: who sends slowly or claims much takes none from others.
func (g *Gateway) verified(v *visit) (answer, error) {
	meter := g.unverified.meter(v.request.Body)
	defer func() {
		meter.giveBack()
		v.request.Body = meter.ReadCloser // What is still read of a refused one is bounded elsewhere.
	}()
	v.request.Body, v.metered = meter, true
	if err := v.readRaw(g.settings.BodyLimit); err != nil {
		return answer{}, err
	}
	if err := v.from.admit(v); err != nil {
		return answer{}, err
	}
	giveBack, err := g.load.take(v, g.settings.BodyLimit)
	if err != nil {
		return answer{}, err
	}
	defer giveBack()
	meter.giveBack()
	return g.accept(v)
}

// accept stores what an admitted sender sent.
func (g *Gateway) accept(v *visit) (answer, error) {
	g.rejections.known.note(v)
	body, encoding, err := v.unpack(g.settings.BodyLimit)
	if err != nil {
		return answer{}, err
	}
	if challenge := v.from.Provider.Challenge; challenge != nil {
		if echo, ok := challenge(body); ok {
			return echoed(echo), nil
		}
	}
	v.stored, err = g.publish(v, newNotification(v, body, encoding))
	if err != nil {
		return answer{}, err
	}
	return stored(v), nil
}

// greet answers a provider that asks by a GET whether somebody listens.
func (g *Gateway) greet(v *visit) (answer, error) {
	if err := v.from.admitAddress(v); err != nil {
		return answer{}, err
	}
	if echo, ok := v.from.Provider.Greet(v.request.URL.Query()); ok {
		return echoed(echo), nil
	}
	return only("POST")(v)
}

// only answers requests that have another method than those allowed.
func only(allowed string) serveFunc {
	return func(v *visit) (answer, error) {
		v.setHeader("Allow", allowed)
		return answer{}, fmt.Errorf("%w: it is %q", errMethodNotAllowed, shorten(v.request.Method))
	}
}

func newNotification(v *visit, body []byte, encoding string) *notification.Notification {
	n := &notification.Notification{
		Source:          v.from.Name,
		Provider:        v.from.Provider.Name,
		ReceivedAt:      v.receivedAt(),
		ContentType:     v.request.Header.Get("Content-Type"),
		ContentEncoding: encoding,
		RemoteAddress:   v.remote(),
		RequestID:       v.id,
		TraceParent:     traceParent(v.request.Header),
		Header:          v.from.carried(v.request.Header),
		Reading:         v.from.reading,
		Observe:         v.from.Observe,
		Body:            body,
	}
	n.Type, n.Instance = v.from.Provider.Peek(n)
	return n
}

// receivedAt is when the whole request was here.
func (v *visit) receivedAt() time.Time {
	if v.kept != nil {
		return v.at
	}
	return time.Now().UTC()
}

// publish stores the notification and sets its receipt.
//
// A client that hangs up does not stop it. The body is here, so storing it is right whether or not the sender
// hears of it; the sender repeats what it got no answer to, and the repetition is recognised. Giving up would
// only turn every impatient client into a lost try. What does stop it is the source's deadline, which stays
// below the sender's patience, and the end of a shutdown.
func (g *Gateway) publish(v *visit, n *notification.Notification) (*notification.Notification, error) {
	ctx, cancel := context.WithTimeout(g.cutOff, v.from.PublishDeadline)
	defer cancel()

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
