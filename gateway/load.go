package gateway

import (
	"fmt"
	"io"

	"golang.org/x/sync/semaphore"

	"sluice.internal/shared/stream"
)

const (
	// mostLoad is the most memory, in bytes, that bodies of requests under way may take together. Beyond it requests
	// are refused at once: the sender keeps them, and this process keeps working.
	mostLoad = 128 << 20
	// leastWeight is what a request counts at least. It bounds how many are under way.
	leastWeight = 16 << 10
)

// load is what requests under way take.
type load struct{ room *semaphore.Weighted }

func newLoad(most, bodyLimit int64) load {
	return load{semaphore.NewWeighted(max(most, 2*bodyLimit))}
}

// take reserves memory for the visit's body: as much as the client says it has, or as it may have.
func (l load) take(v *visit, bodyLimit int64) (giveBack func(), err error) {
	weight := v.request.ContentLength
	if v.metered { // It is here already.
		weight = int64(len(v.read))
	}
	if weight < 0 || weight > bodyLimit || v.request.Header.Get("Content-Encoding") != "" {
		weight = bodyLimit
	}
	weight = max(weight, leastWeight)
	if !l.room.TryAcquire(weight) {
		return nil, fmt.Errorf("%w: bodies of requests under way take %d MiB", stream.ErrBusy, mostLoad>>20)
	}
	return func() { l.room.Release(weight) }, nil
}

// meterStep is how much memory a metered body takes at once.
const meterStep = 64 << 10

// meter is a body that takes memory as it comes. One goroutine uses it.
type meter struct {
	io.ReadCloser

	room        *semaphore.Weighted
	taken, read int64
}

func (l load) meter(body io.ReadCloser) *meter { return &meter{ReadCloser: body, room: l.room} }

// Read reads, and fails when there is no memory for more.
func (m *meter) Read(p []byte) (n int, err error) {
	if m.read >= m.taken {
		if !m.room.TryAcquire(meterStep) {
			return 0, fmt.Errorf("%w: bodies of unknown senders take %d MiB", stream.ErrBusy, mostLoad>>21)
		}
		m.taken += meterStep
	}
	n, err = m.ReadCloser.Read(p[:min(int64(len(p)), m.taken-m.read)])
	m.read += int64(n)
	return n, err
}

// giveBack returns all that was taken. It may be called again.
func (m *meter) giveBack() {
	m.room.Release(m.taken)
	m.taken, m.read = 0, 0
}
