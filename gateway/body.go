package gateway

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"sluice.internal/shared/stream"
)

const (
	// bodyHint is the most memory, in bytes, that is set aside on a client's word about its body's length.
	bodyHint = 1 << 20
	// restPatience is how long a refused request's body may take.
	restPatience = 2 * time.Second
	// mostDiscarded is the most bytes of it that are read for the sake of the client.
	mostDiscarded = 64 << 20
)

// unpack returns the body that was read, with gzip undone. The encoding is empty then; it is the request's where it
// can't be undone. Such a body is taken as it came: the sender was allowed to send it, and a refusal would only make it
// send the same again. The limit, in bytes, counts for the body as it comes and as it is returned.
func (v *visit) unpack(limit int64) (body []byte, encoding string, err error) {
	encoding = contentEncoding(v.request.Header)
	if !strings.EqualFold(encoding, "gzip") && !strings.EqualFold(encoding, "x-gzip") {
		return v.read, encoding, nil
	}
	body, err = gunzip(v.read, limit)
	if errors.Is(err, errBodyTooLarge) {
		return nil, "", err
	}
	if err != nil {
		return v.read, encoding, nil //nolint:nilerr // What is no gzip is the worker's to judge.
	}
	return body, "", nil
}

// readRaw reads the body as it comes.
func (v *visit) readRaw(limit int64) error {
	if v.request.ContentLength > limit {
		return fmt.Errorf("%w: it is said to have %d bytes, %d are taken",
			errBodyTooLarge, v.request.ContentLength, limit)
	}
	var body bytes.Buffer
	if length := v.request.ContentLength; length > 0 && !v.metered {
		body.Grow(int(min(length, bodyHint)) + bytes.MinRead)
	}
	// The reader of net/http also has the connection closed when a client sends more.
	_, err := body.ReadFrom(http.MaxBytesReader(v.http.Response().Writer, v.request.Body, limit))
	v.read, v.incomplete = body.Bytes(), err != nil

	var excess *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &excess):
		return fmt.Errorf("%w: it has more than %d bytes", errBodyTooLarge, limit)
	case errors.Is(err, stream.ErrBusy):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %d bytes of it did", errBodyLate, body.Len())
	default:
		return fmt.Errorf("%w, after %d bytes: %w", errBodyBroken, body.Len(), err)
	}
}

// keepable is how many bytes of the body are worth keeping: all, as far as it may be accepted later.
func (v *visit) keepable(limit int64) int64 {
	switch {
	case v.incomplete:
		return min(int64(len(v.read)), incompleteBody)
	case v.read != nil:
		return int64(len(v.read))
	case v.request.Header.Get("Expect") != "":
		return 0
	case v.request.ContentLength < 0:
		return limit
	case v.request.ContentLength > limit:
		return min(v.request.ContentLength, incompleteBody)
	default:
		return v.request.ContentLength
	}
}

// readBeginning reads no more of a refused request's body than is kept of it. A client that waits for leave to
// send its body is not given it.
func (v *visit) readBeginning(limit int64) {
	if v.read != nil || v.incomplete {
		return
	}
	if v.request.Header.Get("Expect") != "" {
		v.incomplete = v.request.ContentLength != 0
		return
	}
	var err error
	v.read, err = io.ReadAll(io.LimitReader(v.request.Body, limit+1))
	v.incomplete = err != nil
}

// discardRest reads what a known sender still sends. A connection that is closed with data unread is reset, and
// then most clients report a broken connection and never see why they were refused.
func (v *visit) discardRest() {
	if v.admitted && v.request.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, v.request.Body, mostDiscarded) // It is bounded in time too, see hurry.
	}
}

// contentEncoding returns the encodings of a body, "" when there is none to undo.
func contentEncoding(header http.Header) string {
	var encodings []string
	for _, line := range header.Values("Content-Encoding") {
		for encoding := range strings.SplitSeq(line, ",") {
			encoding = strings.TrimSpace(encoding)
			if encoding != "" && !strings.EqualFold(encoding, "identity") {
				encodings = append(encodings, encoding)
			}
		}
	}
	return strings.Join(encodings, ", ")
}

// gunzip undoes gzip, of several members too, and stops at the limit: a thousandth of it may unpack to more.
func gunzip(packed []byte, limit int64) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("read gzip: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(reader, limit+1))
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%w: it unpacks to more than %d bytes", errBodyTooLarge, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("read gzip: %w", err)
	}
	return body, nil
}
