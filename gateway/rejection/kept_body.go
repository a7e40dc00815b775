package rejection

import (
	"bytes"
	"errors"
	"io"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// bounds are how many rejections may be in memory, and how large.
type bounds struct {
	slots  chan struct{}
	memory *semaphore.Weighted
}

// enter takes a slot within the limit. It never waits: who refuses a request has a client that waits for the answer. The slot
// comes first, so that what there is no slot for does not use up what the limit allows.
func (b bounds) enter(limit *rate.Limiter) bool {
	select {
	case b.slots <- struct{}{}:
	default:
		return false
	}
	if !limit.Allow() {
		<-b.slots
		return false
	}
	return true
}

// body returns as much of the request's body as there is room for, and reads it where nobody has. The whole body makes it
// possible to accept the request later. What is counted is the memory that is kept. Release gives back the slot too.
func (b bounds) body(refused Refused, maxBody int64) (body []byte, whole bool, release func()) {
	var taken int64
	if refused.BodyBegun {
		body, whole, taken = b.ofRead(refused, maxBody)
	} else {
		body, whole, taken = b.ofUnread(refused, maxBody)
	}
	return body, whole, func() {
		b.memory.Release(taken)
		<-b.slots
	}
}

// ofRead returns what is kept of a body that was read. Where that is not all of it, it is a copy, which lets go of the rest.
func (b bounds) ofRead(refused Refused, maxBody int64) (body []byte, whole bool, taken int64) {
	if !refused.BodyComplete {
		maxBody = min(maxBody, incompleteBody)
	}
	// Of one that is kept whole the capacity counts, as that is what it holds.
	if size := int64(cap(refused.Body)); int64(len(refused.Body)) <= maxBody && b.memory.TryAcquire(size) {
		return refused.Body, refused.BodyComplete, size
	}
	want := min(int64(len(refused.Body)), maxBody)
	if !b.memory.TryAcquire(want) {
		// A little is kept without being counted: there are no more of these than slots, and without it nobody could tell
		// what was refused during a flood.
		want = min(want, minBody)
		return bytes.Clone(refused.Body[:want]), refused.BodyComplete && want == int64(len(refused.Body)), 0
	}
	return bytes.Clone(refused.Body[:want]), false, want
}

// ofUnread reads the beginning of a body that nobody has read. A client that waits for leave to send its body is not given
// it. Memory for more than a little is taken once that little has come: an announced length alone takes none from others.
func (b bounds) ofUnread(refused Refused, maxBody int64) (body []byte, whole bool, taken int64) {
	length := refused.Request.ContentLength
	switch {
	case refused.Request.Header.Get("Expect") != "":
		return nil, length == 0, 0
	case length > maxBody:
		maxBody = min(length, incompleteBody) // It can't be accepted later, so that its end matters little.
	case length >= 0:
		maxBody = length
	}
	little, err := readFull(refused.Request.Body, nil, min(maxBody, minBody)+1)
	if int64(len(little)) <= min(maxBody, minBody) {
		return little, err == nil, 0
	}
	if maxBody <= minBody || !b.memory.TryAcquire(maxBody) {
		return little[:min(maxBody, minBody)], false, 0
	}
	body, err = readFull(refused.Request.Body, little, maxBody+1) // The last byte is for finding that there is more.
	whole = err == nil && int64(len(body)) <= maxBody
	return body[:min(int64(len(body)), maxBody)], whole, maxBody
}

// readFull reads on behind what was read, up to size bytes in all. The end of the body is no error.
func readFull(from io.Reader, begun []byte, size int64) ([]byte, error) {
	content := append(make([]byte, 0, size), begun...)
	for len(content) < cap(content) {
		n, err := from.Read(content[len(content):cap(content)])
		content = content[:len(content)+n]
		switch {
		case errors.Is(err, io.EOF):
			return content, nil
		case err != nil:
			return content, err
		}
	}
	return content, nil
}
