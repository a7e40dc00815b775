package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"sluice.internal/shared/notification"
)

// accept stores what an authenticated sender sent and returns the notification with its receipt.
//
// A client that hangs up does not stop it. The body is here, so storing it is right whether or not the sender
// hears of it; the sender repeats what it got no answer to, and the repetition is recognised. Giving up would
// only turn every impatient client into a lost try. What does stop it is the source's deadline, which stays
// below the sender's own timeout, and the end of a shutdown.
func (g *Gateway) accept(x *exchange, body []byte, encoding string) (*notification.Notification, error) {
	n := newNotification(x, body, encoding, time.Now().UTC())
	ctx, cancel := context.WithTimeout(g.cutOff, x.source.PublishDeadline)
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

// newNotification makes a notification of a request and its unpacked body. ReceivedAt is when all of it was here. Type and
// instance are found without parsing: they decide about the shard, and a body that has none goes to shard 0.
func newNotification(x *exchange, body []byte, encoding string, receivedAt time.Time) *notification.Notification {
	n := &notification.Notification{
		Origin: notification.Origin{
			Source:        x.source.Name,
			Provider:      x.source.Provider.Name,
			ReceivedAt:    receivedAt,
			ContentType:   x.request.Header.Get("Content-Type"),
			RemoteAddress: clientText(x.client),
			RequestID:     x.id,
			TraceParent:   traceParent(x.request.Header),
			Header:        x.source.Carried(&x.proof),
			Mapping:       x.source.Mapping,
			Quarantine:    x.source.Quarantine,
			Body:          body,
		},
		ContentEncoding: encoding,
	}
	n.Type, n.Instance = x.source.Provider.Peek(n)
	return n
}

// clientText is a client's address as text, empty when it is not known.
func clientText(client netip.Addr) string {
	if !client.IsValid() {
		return ""
	}
	return client.String()
}

// traceParent returns the request's trace context, "" when it has none or one that is not valid: a wrong one
// handed on would spoil the traces of everything behind.
// Source: https://www.w3.org/TR/trace-context/#traceparent-header
func traceParent(header http.Header) string {
	values := header.Values("Traceparent")
	if len(values) != 1 || !isTraceParent(values[0]) {
		return ""
	}
	return values[0]
}

// isTraceParent knows version 00: 00-<trace id>-<parent id>-<flags>, in lower-case hexadecimal digits, no id
// all zeros.
func isTraceParent(value string) bool {
	if len(value) != len("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") {
		return false
	}
	parts := strings.Split(value, "-")
	return len(parts) == 4 && parts[0] == "00" &&
		isID(parts[1], 32) && isID(parts[2], 16) && len(parts[3]) == 2 && isHex(parts[3])
}

func isID(text string, length int) bool {
	return len(text) == length && isHex(text) && strings.Trim(text, "0") != ""
}

func isHex(text string) bool { return strings.Trim(text, "0123456789abcdef") == "" }
