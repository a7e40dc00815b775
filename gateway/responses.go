package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"sluice.internal/gateway/budget"
	"sluice.internal/gateway/rejection"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
)

// Why a request is refused, where the gateway itself finds out.
var (
	errUnauthorized      = errors.New("not authorized") // the kind of every unauthorizedError
	errTooManyFailures   = errors.New("too many requests of the address were not authorized")
	errAddressNotAllowed = errors.New("the address may not send")
	errMethodNotAllowed  = errors.New("the method is not allowed")
	errBodyTooLarge      = errors.New("the body is too large")
	errBodyLate          = errors.New("the body did not come in time")
	errBodyDisplaced     = errors.New("the body came slowest while memory was needed")
	errHeaderTooLarge    = errors.New("the header is too large")
	errBodyBroken        = errors.New("the body ended early")
	errStore             = errors.New("store the notification")
	errNotReady          = errors.New("not ready")
	errPanic             = errors.New("panic")
	errUnknownPath       = errors.New("no source listens at the path") // the kind of every unknownPathError
)

// response is what a client gets: JSON for senders, whose authors look for a code and a sentence in it.
type response struct {
	status   int
	code     string        // what became of the request, one of few words
	document any           // sent as JSON
	reply    *source.Reply // sent instead, where the sender wants something of its own
	// retryAfter asks the client to wait, 0 leaves it to the client.
	retryAfter time.Duration
}

// receiptDocument is the body of a response to a stored notification. The receipt is its sequence in NOTIFICATIONS.
type receiptDocument struct {
	Status  string `json:"status"`
	Receipt uint64 `json:"receipt"`
}

// refusalDocument is the body of every refusal. The code never changes its meaning; the message may be worded anew.
type refusalDocument struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// stored is the response to a stored notification. It is exactly 200: GREEN-API documents no other success.
func stored(receipt uint64) response {
	return response{status: http.StatusOK, code: "stored", document: receiptDocument{Status: "stored", Receipt: receipt}}
}

// challenged is the response to a sender that asks whether somebody listens.
func challenged(reply source.Reply) response {
	return response{status: reply.Status, code: "challenge", reply: &reply}
}

// refusal is how one kind of error is answered.
type refusal struct {
	is     error
	status int
	code   string
	// cause files the rejection; without one the request is not kept.
	cause string
	// retryAfter asks the client to wait, 0 leaves it to the client.
	retryAfter time.Duration
	// message tells the client what to do, and nothing that helps to get in.
	message string
}

// refusalFor finds an error in the table of all refusals. The first row that fits counts. What has none is a mistake in this
// package and answered as a panic is. The table lies on the stack: a flood of refused requests allocates nothing for it.
//
// Retry-After is 60 s for a full store, because room comes as the worker gets on, and 5 s for one that does not
// answer, because a broker that restarts or elects a leader is back about then.
func refusalFor(err error) refusal {
	table := [...]refusal{
		{errPanic, 500, "internal", "", 0, "Something went wrong here and was logged. Send it again later."},
		{errAddressNotAllowed, 403, "address_not_allowed", "address-not-allowed", 0, "Ask the operator to allow this address."},
		{errTooManyFailures, 429, "too_many_failures", "unauthorized", 10 * time.Second, "Too many requests were refused. Send the right token or signature; one that is right is taken at any time."},
		{errUnauthorized, 401, "unauthorized", "unauthorized", 0, "Send the right token or signature. The operator can see what was wrong."},
		{errMethodNotAllowed, 405, "method_not_allowed", "method-not-allowed", 0, "Use a method that the Allow header names."},
		{errBodyTooLarge, 413, "body_too_large", "body-too-large", 0, "Send a smaller body or ask the operator to raise the limit."},
		{errBodyLate, 408, "request_timeout", "request-timeout", 0, "The body did not come in time. Send it again."},
		{errBodyDisplaced, 503, "store_busy", "", 5 * time.Second, "The body came too slowly while too much was under way. Send it again, faster."},
		{errHeaderTooLarge, 431, "header_too_large", "", 0, "Send fewer header fields."},
		{errBodyBroken, 400, "bad_request", "bad-request", 0, "The body ended early or is framed wrongly. Send it again."},
		{stream.ErrTooLarge, 413, "body_too_large", "body-too-large", 0, "Send a smaller body or ask the operator to raise the limit."},
		{stream.ErrFull, 503, "store_full", "", time.Minute, "There is no room now, nothing was stored. Send it again later."},
		{stream.ErrBusy, 503, "store_busy", "", 5 * time.Second, "Too much is under way, nothing was stored. Send it again."},
		{stream.ErrUnavailable, 503, "store_unavailable", "", 5 * time.Second, "It could not be stored in time. Send it again."},
		{context.DeadlineExceeded, 503, "store_unavailable", "", 5 * time.Second, "It could not be stored in time. Send it again."},
		{context.Canceled, 503, "store_unavailable", "", 5 * time.Second, "The gateway is shutting down. Send it again."},
		{errStore, 503, "store_failed", "", 5 * time.Second, "It could not be stored. Send it again."},
		{errNotReady, 503, "not_ready", "", 0, "The gateway can't take notifications now."},
		{errUnknownPath, 404, "not_found", "unknown-path", 0, "There is nothing at this path. Compare the URL with what the operator gave you."},
	}
	for i := range table {
		if errors.Is(err, table[i].is) {
			return table[i]
		}
	}
	unforeseen := table[0]
	unforeseen.is = err
	return unforeseen
}

// refuse makes the response to an error and sees to it that the refusal is kept, counted and logged. The client learns
// nothing that helps to get in: the cause of a proof that is wrong is found out after the answer, for the operator.
func (g *Gateway) refuse(x *exchange, found outcome, err error) response {
	why := refusalFor(err)
	stray, isStray := errors.AsType[unknownPathError](err)
	keep := why.cause != "" && (x.source != nil || isStray)
	if keep && g.rejections.Limit(x.sourceName(), why.cause, x.client, found.authenticated) {
		keep = false
		if errors.Is(err, errUnauthorized) {
			why = refusalFor(errTooManyFailures)
		}
	}
	// One that was late, or that gives way to other connections, had its time: its deadline has passed and stays so.
	gone := errors.Is(err, errBodyLate) || errors.Is(err, errBodyDisplaced) && g.connections.Full()
	if !gone {
		x.shortenDeadline()
	}
	g.counts.Refused(x.sourceName(), why.cause)
	path, secret := x.keptPath(stray.nearest)
	g.rejections.Record(rejection.Refused{
		Source: x.sourceName(), Nearest: stray.nearest, Request: x.request, Path: path, PathSecret: secret, RequestID: x.id, Client: x.client, At: x.began.UTC(),
		Body: found.body.content, BodyBegun: found.body.begun, BodyComplete: found.body.complete,
		Authenticated: found.authenticated, Unproven: unprovenRequest(err),
		Code: why.code, Cause: why.cause, Detail: err.Error(), Keep: keep, Quiet: g.hasOwnLine(err),
	})
	// Whoever it is: most of those who can't prove themselves yet are honest.
	if errors.Is(err, errBodyTooLarge) || errors.Is(err, budget.ErrExhausted) || errors.Is(err, errBodyDisplaced) && !gone {
		x.discardBody()
	}
	if isStray {
		why.message = stray.message(why.message)
	}
	return response{
		status: why.status, code: why.code, retryAfter: why.retryAfter,
		document: refusalDocument{Code: why.code, Message: why.message},
	}
}

// hasOwnLine reports whether the log says it elsewhere: failures of the store, panics and a shutdown have their own lines.
func (g *Gateway) hasOwnLine(err error) bool {
	return errors.Is(err, errPanic) || errors.Is(err, errStore) && !errors.Is(err, stream.ErrTooLarge) ||
		errors.Is(err, errNotReady) && g.stopping.Load()
}
