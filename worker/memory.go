package worker

import (
	"context"
	"sync"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/consume"
)

const (
	// readingShare and maxReading are the part of the memory limit that bodies may take while they are parsed and validated. It is enough for two bodies of the worst kind at a time under a limit
	// of 384 MiB or more, and for hundreds of ordinary ones.
	readingShare = 0.25
	maxReading   = 96 << 20
	// bytesPerValue is what a value of a document takes at the worst, see notification.MaxValues. It is written with two
	// bytes at least, itself and what is between it and the next.
	bytesPerValue = 400

	// holdingShare and maxHolding are the part that the bodies of large events may take while they are handled.
	holdingShare = 0.2
	maxHolding   = 128 << 20
	// smallBody is how large a body may be that is handled without counting it.
	smallBody = 64 << 10
	// waitingShare and maxWaiting are the part that bodies may take of events that wait for others of their chat. Those
	// beyond are read again when their turn comes.
	waitingShare = 0.1
	maxWaiting   = 64 << 20
	// handledBytes is how much a handled body takes for each of its bytes: itself, and what is decoded of it.
	handledBytes = 3
)

// memoryBudget is a part of the memory limit that the whole process shares out: shards and lanes work side by side, and each
// may have the largest body there is. It is safe for concurrent use.
type memoryBudget struct {
	total int64

	mutex sync.Mutex
	free  int64
	// waiting are those who wait for memory, the first one first. Nobody passes by one that needs much.
	waiting []*memoryWait
}

type memoryWait struct {
	bytes   int64
	granted chan struct{} // closed when it has its memory
}

// newMemoryBudget returns a budget of a share of the memory limit, in bytes, and the maximum at the largest. A limit of 0 is
// what the process may use.
func newMemoryBudget(limit int64, share float64, maximum int64) *memoryBudget {
	total := service.MemoryOf(limit, nil).Part(share, maximum)
	return &memoryBudget{total: total, free: total}
}

// documentSize returns what a body of that many bytes takes at the most once it is parsed, with the body itself.
func documentSize(body int) int64 {
	return int64(body) + min(int64(body)/2+1, notification.MaxValues)*bytesPerValue
}

// reserve blocks until there is that much memory, and returns the function that gives it back. Who needs more than there
// is gets all of it. When the context has ended and there is not enough, release is nil.
func (m *memoryBudget) reserve(ctx context.Context, bytes int64) (release func()) {
	wait := &memoryWait{bytes: min(bytes, m.total), granted: make(chan struct{})}
	m.mutex.Lock()
	m.waiting = append(m.waiting, wait)
	m.grant()
	m.mutex.Unlock()
	select {
	case <-wait.granted:
		return func() { m.giveBack(wait) }
	default:
	}
	select {
	case <-wait.granted:
		return func() { m.giveBack(wait) }
	case <-ctx.Done():
		m.giveUp(wait)
		return nil
	}
}

// try is reserve without waiting: release is nil where there is not enough, or somebody waits already.
func (m *memoryBudget) try(bytes int64) (release func()) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	wait := &memoryWait{bytes: min(bytes, m.total)}
	if len(m.waiting) > 0 || wait.bytes > m.free {
		return nil
	}
	m.free -= wait.bytes
	return func() { m.giveBack(wait) }
}

// grant gives memory to who waits, in order, as far as it goes. The mutex is held.
func (m *memoryBudget) grant() {
	for len(m.waiting) > 0 && m.waiting[0].bytes <= m.free {
		m.free -= m.waiting[0].bytes
		close(m.waiting[0].granted)
		m.waiting[0] = nil // Or the slice would hold it.
		m.waiting = m.waiting[1:]
	}
}

func (m *memoryBudget) giveBack(wait *memoryWait) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.free += wait.bytes
	m.grant()
}

// giveUp takes back a wait whose context ended, or the memory that it was given in the same moment.
func (m *memoryBudget) giveUp(wait *memoryWait) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for i, other := range m.waiting {
		if other == wait {
			m.waiting = append(m.waiting[:i:i], m.waiting[i+1:]...)
			m.grant()
			return
		}
	}
	m.free += wait.bytes
	m.grant()
}

// bodies are those of the events that a worker holds. It is safe for concurrent use.
type bodies struct {
	handled *memoryBudget // large ones, while they are handled
	waiting *memoryBudget // those of events that wait
}

func newBodies(limit int64) *bodies {
	return &bodies{
		handled: newMemoryBudget(limit, holdingShare, maxHolding), waiting: newMemoryBudget(limit, waitingShare, maxWaiting),
	}
}

// heldBody is the body of an event that waits or is handled. One that has to wait for memory, or for its next attempt, lets
// go of it and reads it again from where it is stored: a worker holds thousands of events, and all may be large.
type heldBody struct {
	bodies  *bodies
	event   *consume.Delivery
	size    int
	release func() // gives its memory back; nil while it has none
}

// receive takes the body of an event that has come and has to wait, or lets go of it.
func (b *bodies) receive(event *consume.Delivery) *heldBody {
	h := &heldBody{bodies: b, event: event, size: len(event.Body)}
	if h.size > smallBody {
		event.DropBody()
	} else if h.release = b.waiting.try(int64(h.size)); h.release == nil {
		event.DropBody()
	}
	return h
}

// takeUp makes the body there to be handled. Where it has to wait for memory it calls waiting before. It returns errStopped
// when the worker is told to stop first, and otherwise why the body can't be read again.
func (h *heldBody) takeUp(stopping context.Context, waiting func()) error {
	h.forget()
	if h.size > smallBody {
		bytes := int64(h.size) * handledBytes
		if h.release = h.bodies.handled.try(bytes); h.release == nil {
			waiting()
			h.release = h.bodies.handled.reserve(stopping, bytes)
		}
		if h.release == nil {
			return errStopped
		}
	}
	if h.event.Body != nil {
		return nil
	}
	err := h.event.LoadBody(stopping)
	if err != nil {
		h.letGo()
	}
	return err
}

// letGo gives the memory of a large body back, and the body with it.
func (h *heldBody) letGo() {
	if h.release != nil {
		h.event.DropBody()
	}
	h.forget()
}

// forget gives the memory back.
func (h *heldBody) forget() {
	if h.release != nil {
		h.release()
		h.release = nil
	}
}
