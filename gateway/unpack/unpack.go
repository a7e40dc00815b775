// Package unpack undoes the content encodings of bodies, within their memory. decoders.go has one decoder for each.
package unpack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"sluice.internal/gateway/budget"
)

// maxEncodings is how many content encodings of a body are undone, one after the other. Nobody is known to send two.
const maxEncodings = 3

// Body returns the body that was read, with its content encodings undone. The encoding is empty then; it is the request's where
// it can't be undone. Such a body is taken as it came: the sender was allowed to send it, and a refusal would only make it send
// the same again. A body that is JSON as it came was unpacked on the way by something that left the field.
//
// The limit, in bytes, counts for the body as it comes, as it is returned, and in between. The error is a budget.ErrTooLarge
// when the body unpacks to more, and a budget.ErrExhausted when there is no memory for it now.
func Body(
	header http.Header, raw []byte, memory *budget.Reservation, limit int64,
) (body []byte, encoding string, err error) {
	encodings := contentEncodings(header)
	if len(encodings) == 0 {
		return raw, "", nil
	}
	encoding = strings.Join(encodings, ", ")
	body, err = undo(encodings, raw, memory, limit)
	switch {
	case err == nil:
		return body, "", nil
	case errors.Is(err, budget.ErrTooLarge), errors.Is(err, budget.ErrExhausted):
		return nil, "", err
	case json.Valid(raw):
		return raw, "", nil
	}
	return raw, encoding, nil // What can't be undone is for the worker to find.
}

// contentEncodings returns the encodings of a body in lower case, in the order in which they were applied; none to undo is nil.
func contentEncodings(header http.Header) (encodings []string) {
	for _, line := range header.Values("Content-Encoding") {
		for encoding := range strings.SplitSeq(line, ",") {
			encoding = strings.ToLower(strings.TrimSpace(encoding))
			if encoding != "" && encoding != "identity" {
				encodings = append(encodings, encoding)
			}
		}
	}
	return encodings
}

// undo undoes encodings, the last one first. It stops at the limit: a thousandth of it, or a millionth, may unpack to more.
// Every decoder has its memory counted before it is made.
func undo(encodings []string, raw []byte, memory *budget.Reservation, limit int64) ([]byte, error) {
	if len(encodings) > maxEncodings {
		return nil, fmt.Errorf("has %d encodings, %d are undone", len(encodings), maxEncodings)
	}
	defer memory.LetGo() // Decoders are done with by then.
	var size int64
	var from io.Reader = bytes.NewReader(raw)
	for i, encoding := range slices.Backward(encodings) {
		newDecoder, known := decoders[encoding]
		if !known {
			return nil, fmt.Errorf("nobody here knows the encoding %q", encoding)
		}
		decoder, err := newDecoder(from, memory)
		if err != nil {
			return nil, explain(err, limit)
		}
		defer decoder.Close() // It holds memory alone; what it read wrongly it has said.
		from = decoder
		if i > 0 {
			from = &bounded{from: decoder, left: limit}
		}
	}
	if len(encodings) == 1 {
		size = unpackedSize(encodings[0], raw)
	}
	body, err := memory.Unpack(from, size, limit)
	return body, explain(err, limit)
}

// tooLargeError is a budget.ErrTooLarge that names the limit.
type tooLargeError struct{ limit int64 }

func (e tooLargeError) Error() string {
	return fmt.Sprintf("it unpacks to more than %d bytes, or takes more memory for that than there is", e.limit)
}

func (tooLargeError) Is(target error) bool { return target == budget.ErrTooLarge }

// explain says why a body could not be unpacked, nil of none.
func explain(err error, limit int64) error {
	switch {
	case err == nil, errors.Is(err, budget.ErrExhausted):
		return err
	case errors.Is(err, budget.ErrTooLarge), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return tooLargeError{limit}
	default:
		return fmt.Errorf("unpack: %w", err)
	}
}

// bounded reads what lies between two encodings. Nothing of it is kept, but it takes a processor's time.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, budget.ErrTooLarge
	}
	return n, err
}
