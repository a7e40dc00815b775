package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"sluice.internal/shared/stream"
)

// Why a request is refused, where the gateway itself finds out.
var (
	errUnauthorized      = errors.New("not authorized")
	errTooManyFailures   = errors.New("too many requests of the address were not authorized")
	errAddressNotAllowed = errors.New("the address may not send")
	errMethodNotAllowed  = errors.New("the method is not allowed")
	errBodyTooLarge      = errors.New("the body is too large")
	errBodyLate          = errors.New("the body did not come in time")
	errBodyBroken        = errors.New("the body ended early")
	errStore             = errors.New("store the notification")
	errNotReady          = errors.New("not ready")
	errPanic             = errors.New("panic")
)

// answer is what a client gets.
type answer struct {
	status   int
	code     string // what became of the request, one of few words
	document any    // sent as JSON
	text     string // sent instead, where it is not empty
}

type receiptDocument struct {
	Status  string `json:"status"`
	Receipt uint64 `json:"receipt"`
}

type refusalDocument struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// stored is the answer to a stored notification. It is exactly 200: GREEN-API documents no other success.
func stored(v *visit) answer {
	v.setHeader("Sluice-Receipt", strconv.FormatUint(v.stored.Sequence, 10))
	return answer{
		status: http.StatusOK, code: "stored", document: receiptDocument{Status: "stored", Receipt: v.stored.Sequence},
	}
}

// echoed is the answer to a provider that asks whether somebody listens.
func echoed(text string) answer { return answer{status: http.StatusOK, code: "challenge", text: text} }

// ruling is how one kind of error is answered.
type ruling struct {
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

// rulings is the table of all refusals. The first row that fits counts.
//
// Retry-After is 60 s for a full store, because room comes as the worker gets on, and 5 s for one that does not
// answer, because a broker that restarts or elects a leader is back about then.
func rulings() []ruling {
	return []ruling{
		{errPanic, 500, "internal", "", 0, "Something went wrong here and was logged. Send it again later."},
		{errAddressNotAllowed, 403, "address_not_allowed", "address-not-allowed", 0, "Ask the operator to allow this address."},
		{errTooManyFailures, 429, "too_many_failures", "unauthorized", 10 * time.Second, "Too many requests were refused. Send the right token or signature; one that is right is taken at any time."},
		{errUnauthorized, 401, "unauthorized", "unauthorized", 0, "Send the right token or signature. The operator can see what was wrong."},
		{errMethodNotAllowed, 405, "method_not_allowed", "method-not-allowed", 0, "Use a method that the Allow header names."},
		{errBodyTooLarge, 413, "body_too_large", "body-too-large", 0, "Send a smaller body or ask the operator to raise the limit."},
		{errBodyLate, 408, "request_timeout", "request-timeout", 0, "The body did not come in time. Send it again."},
		{errBodyBroken, 400, "bad_request", "bad-request", 0, "The body ended early or is framed wrongly. Send it again."},
		{stream.ErrTooLarge, 413, "body_too_large", "body-too-large", 0, "Send a smaller body or ask the operator to raise the limit."},
		{stream.ErrFull, 503, "store_full", "", time.Minute, "There is no room now, nothing was stored. Send it again later."},
		{stream.ErrBusy, 503, "store_busy", "", 5 * time.Second, "Too much is under way, nothing was stored. Send it again."},
		{stream.ErrUnavailable, 503, "store_unavailable", "", 5 * time.Second, "It could not be stored in time. Send it again."},
		{context.DeadlineExceeded, 503, "store_unavailable", "", 5 * time.Second, "It could not be stored in time. Send it again."},
		{context.Canceled, 503, "store_unavailable", "", 5 * time.Second, "The gateway is shutting down. Send it again."},
		{errStore, 503, "store_failed", "", 5 * time.Second, "It could not be stored. Send it again."},
		{errNotReady, 503, "not_ready", "", 0, "The gateway can't take notifications now."},
		{echo.ErrNotFound, 404, "not_found", "", 0, "There is nothing at this path. Compare the URL with what the operator gave you."},
	}
}

// rulingOn finds the row of an error. What has none is a mistake in this package and answered as a panic is.
func rulingOn(err error) ruling {
	for _, row := range rulings() {
		if errors.Is(err, row.is) {
			return row
		}
	}
	unforeseen := rulings()[0]
	unforeseen.is = err
	return unforeseen
}

// limit counts a request that is refused before its sender is known, and tells whether there were too many of its
// address: then neither is it kept nor looked into. A request that proves who sends never comes here.
func (g *Gateway) limit(v *visit, err error) bool {
	rule := rulingOn(err)
	if v.from == nil || rule.cause == "" {
		return false
	}
	v.from.refused.add()
	if v.admitted || g.failures.spend(v) {
		return false
	}
	g.rejections.skip(rule.cause, v.source())
	return true
}

// refuse makes the answer to an error and sees to it that the refusal is kept and logged.
func (g *Gateway) refuse(v *visit, err error) answer {
	limited := g.limit(v, err)
	if limited && errors.Is(err, errUnauthorized) {
		err = fmt.Errorf("%w: %w", errTooManyFailures, err)
	}
	rule := rulingOn(err)
	cause, detail := generalCause(err, rule.cause)
	if !errors.Is(err, errBodyLate) { // It had its time.
		v.hurry()
	}
	// What was wrong with a proof is found out after the answer, and logged then.
	tell := func(cause, detail string) { g.logRefusal(v, rule, cause, detail) }
	kept := v.from != nil && rule.cause != "" && !limited && g.rejections.keep(v, cause, detail, g.diagnosis(v), tell)
	if errors.Is(err, errBodyTooLarge) {
		v.discardRest()
	}
	if !kept || v.refused == nil {
		tell(cause, detail)
	}
	if rule.retryAfter > 0 {
		v.setHeader("Retry-After", strconv.Itoa(int(rule.retryAfter.Seconds())))
	}
	if rule.status == http.StatusUnauthorized {
		v.setHeader("WWW-Authenticate", "Bearer")
	}
	return answer{status: rule.status, code: rule.code, document: refusalDocument{Code: rule.code, Message: rule.message}}
}
