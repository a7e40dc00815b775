package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"sluice.internal/gateway/budget"
	"sluice.internal/gateway/unpack"
	"sluice.internal/shared/stream"
)

const (
	// restTimeout is how long a refused request's body may take, or each piece of it where it is read for the sake of the
	// client, and maxRestTime how long all of that may take.
	restTimeout = 2 * time.Second
	maxRestTime = 15 * time.Second
	restPiece   = 256 << 10
	// maxDiscarded is the most bytes of it that are read for the sake of the client.
	maxDiscarded = 64 << 20
)

// received is what came of a body, as it came.
type received struct {
	content []byte
	// begun says that reading began, complete that the body was read to its end.
	begun, complete bool
}

// readBody reads the body as it comes.
func readBody(x *exchange, memory *budget.Reservation, limit int64) (body received, err error) {
	length := x.request.ContentLength
	if length > limit {
		return body, fmt.Errorf("%w: it is said to have %d bytes, %d are taken", errBodyTooLarge, length, limit)
	}
	// The reader of net/http also has the connection closed when a client sends more.
	body.content, err = memory.Read(http.MaxBytesReader(x.http.Response().Writer, x.request.Body, limit), length, limit)
	body.begun, body.complete = true, err == nil

	if err == nil {
		return body, nil
	}
	_, excess := errors.AsType[*http.MaxBytesError](err)
	switch {
	case excess:
		return body, fmt.Errorf("%w: it has more than %d bytes", errBodyTooLarge, limit)
	case errors.Is(err, budget.ErrTooLarge):
		return body, fmt.Errorf("%w: %w", errBodyTooLarge, err)
	case errors.Is(err, budget.ErrExhausted):
		return body, fmt.Errorf("%w: %w", stream.ErrBusy, err)
	case errors.Is(err, budget.ErrDisplaced):
		return body, fmt.Errorf("%w: %d bytes came in %s", errBodyDisplaced, memory.Received(), time.Since(x.began).Round(time.Millisecond))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return body, fmt.Errorf("%w: %d bytes of it did", errBodyLate, memory.Received())
	default:
		return body, fmt.Errorf("%w, after %d bytes: %w", errBodyBroken, memory.Received(), err)
	}
}

// unpackBody undoes the content encodings of a body. Encoding is what could not be undone.
func unpackBody(
	header http.Header, raw []byte, memory *budget.Reservation, limit int64,
) (body []byte, encoding string, err error) {
	body, encoding, err = unpack.Body(header, raw, memory, limit)
	switch {
	case errors.Is(err, budget.ErrTooLarge):
		err = fmt.Errorf("%w: %w", errBodyTooLarge, err)
	case errors.Is(err, budget.ErrExhausted):
		err = fmt.Errorf("%w: %w", stream.ErrBusy, err)
	}
	return body, encoding, err
}

// discardBody reads what a client still sends. A connection that is closed with data unread is reset, and then most clients
// report a broken connection and never see why they were refused. It takes no memory; a client that goes on sending gets more
// time, up to a bound.
func (x *exchange) discardBody() {
	if x.request.Header.Get("Expect") != "" {
		return
	}
	end := time.Now().Add(maxRestTime)
	for left := int64(maxDiscarded); left > 0; left -= restPiece {
		if _, err := io.CopyN(io.Discard, x.request.Body, restPiece); err != nil {
			return
		}
		deadline := time.Now().Add(restTimeout)
		if deadline.After(end) {
			deadline = end
		}
		_ = x.SetReadDeadline(deadline) // It fails on a connection that is gone, where nothing is read any more.
	}
}
