package gateway

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"sluice.internal/gateway/budget"
	"sluice.internal/gateway/rejection"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// webhook is the whole job. Cheap checks come first: nothing is read before the sender is known, unless the body is what
// proves it. Bodies of unauthenticated senders take at most half of the memory for bodies, so that others have the rest.
//
// With an error the outcome still has what was found out: whether the sender was authenticated decides how much is kept of
// a refused request, and what was read of the body is kept.
func (g *Gateway) webhook(x *exchange) (found outcome, err error) {
	if err := found.authenticate(x); err != nil {
		return found, err
	}
	// All memory for the body, packed and unpacked, is held until the notification is stored: the store has no copy before.
	memory := g.bodies.Reserve(budget.Request{
		Source: x.source.Name, Address: x.client, Verified: found.authenticated, MaxBody: x.source.BodyLimit,
		Overhead: x.headerMemory(), Client: x, Began: x.began,
	})
	defer memory.Release()
	found.body, err = readBody(x, memory, x.source.BodyLimit)
	if err != nil {
		return found, err
	}
	if !found.authenticated {
		if reply, ok := unsignedChallenge(x, found.body.content); ok {
			found.response = challenged(reply)
			return found, nil
		}
		if err := found.authenticate(x); err != nil {
			return found, err
		}
		// From here on it takes no memory from those who have still to prove who they are.
		memory.Verify()
	}
	body, encoding, err := unpackBody(x.request.Header, found.body.content, memory, x.source.BodyLimit)
	if err != nil {
		return found, err
	}
	request := x.proof
	request.Body = body
	if reply, ok, err := x.source.Challenged(&request, found.secret); ok || err != nil { // It is no notification, so nothing is stored.
		if err != nil {
			err = fmt.Errorf("%w: %w", errUnauthorized, err)
		}
		found.response = challenged(reply)
		return found, err
	}
	found.stored, err = g.accept(x, body, encoding)
	if err != nil {
		return found, err
	}
	found.response = stored(found.stored.Sequence)
	if reply, ok := x.source.Answered(&request); ok {
		found.response.reply = &reply
	}
	return found, nil
}

// query takes a notification that comes in the query of a GET, as the same one in a form. The rest of the request, if there is
// any, is nobody's.
func (g *Gateway) query(x *exchange) (found outcome, err error) {
	query := x.request.URL.RawQuery
	if query == "" {
		return methodNotAllowed("POST")(x)
	}
	x.request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	x.request.Header.Del("Content-Encoding")
	x.request.Body, x.request.ContentLength = io.NopCloser(strings.NewReader(query)), int64(len(query))
	return g.webhook(x)
}

// challenge answers a sender that asks by a GET whether somebody listens. Nobody signs that request, so only the address is
// checked, and the token that both sides agreed on, if they did.
func (g *Gateway) challenge(x *exchange) (found outcome, err error) {
	if !x.source.Allow.Allows(x.client) {
		return found, addressError(x)
	}
	reply, ok, err := x.source.Challenged(&x.proof, 0)
	switch {
	case err != nil:
		return found, fmt.Errorf("%w: %w", errUnauthorized, err)
	case ok:
		found.response = challenged(reply)
		return found, nil
	}
	return methodNotAllowed("POST")(x)
}

// unsignedChallenge answers a POST that asks whether somebody listens, of a sender that can't prove itself by then.
func unsignedChallenge(x *exchange, body []byte) (reply source.Reply, ok bool) {
	if !x.source.Challenge.Unsigned {
		return source.Reply{}, false
	}
	request := x.proof
	request.Body = body
	reply, ok, err := x.source.Challenged(&request, 0)
	return reply, ok && err == nil
}

// methodNotAllowed serves by refusing requests that have another method than those allowed.
func methodNotAllowed(allowed string) serveFunc {
	return func(x *exchange) (outcome, error) {
		x.setHeader("Allow", allowed)
		return outcome{}, fmt.Errorf("%w: it is %q", errMethodNotAllowed, rejection.Shorten(x.request.Method))
	}
}

// authenticate checks that the client's address may send and that the request proves that it comes from the sender. It
// leaves that open, without an error, where it can't be known before the body is here.
func (found *outcome) authenticate(x *exchange) error {
	if !x.source.Allow.Allows(x.client) {
		return addressError(x)
	}
	if x.source.Verifier == nil {
		found.authenticated = true
		return nil
	}
	request := x.proof
	request.Body = found.body.content
	var result proof.Result
	open := !found.body.begun && (x.source.BodyProves || x.source.Challenge.Unsigned)
	if open {
		result = x.source.Verifier.VerifyHeader(&request)
	} else {
		result = x.source.Verifier.Verify(&request)
	}
	if !result.OK && !open {
		return unauthorizedError{&request}
	}
	found.authenticated, found.secret = result.OK, result.Secret
	return nil
}

// addressError says whose address may not send. An unknown one is refused too where there is a list.
func addressError(x *exchange) error {
	if !x.client.IsValid() {
		return fmt.Errorf("%w: the client's address is not known", errAddressNotAllowed)
	}
	return fmt.Errorf("%w: %s", errAddressNotAllowed, x.client)
}

// unauthorizedError is a request that does not prove where it comes from. It has the request as the verifier saw it, so
// that the mistake can be found after the answer.
type unauthorizedError struct{ request *proof.Request }

func (unauthorizedError) Error() string { return "the request does not prove where it comes from" }

func (unauthorizedError) Is(target error) bool { return target == errUnauthorized }

// unprovenRequest returns the request that an error of authenticate has, nil of any other error.
func unprovenRequest(err error) *proof.Request {
	if refused, ok := errors.AsType[unauthorizedError](err); ok {
		return refused.request
	}
	return nil
}
