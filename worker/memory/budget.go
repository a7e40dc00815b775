// Package memory shares out a part of the memory limit to those who have bodies in memory side by side.
package memory

import (
	"context"
	"sync"

	"sluice.internal/shared/service"
)

// Budget is a part of the memory limit that the whole process shares out: shards and lanes work side by side, and each
// may have the largest body there is. It is safe for concurrent use.
type Budget struct {
	total int64

	mutex sync.Mutex
	free  int64
	// waiting are those who wait for memory, the first one first. Nobody passes by one that needs much.
	waiting []*waiter
}

type waiter struct {
	bytes   int64
	granted chan struct{} // closed when it has its memory
}

// New returns a budget of a share of the memory limit, in bytes, and the maximum at the largest. A limit of 0 is
// what the process may use.
func New(limit int64, share float64, maximum int64) *Budget {
	total := service.MemoryOf(limit, nil).Part(share, maximum)
	return &Budget{total: total, free: total}
}

// Reserve blocks until there is that much memory, and returns the function that gives it back. Who needs more than there
// is gets all of it. When the context has ended and there is not enough, release is nil.
func (m *Budget) Reserve(ctx context.Context, bytes int64) (release func()) {
	wait := &waiter{bytes: min(bytes, m.total), granted: make(chan struct{})}
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

// Try is Reserve without waiting: release is nil where there is not enough, or somebody waits already.
func (m *Budget) Try(bytes int64) (release func()) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	wait := &waiter{bytes: min(bytes, m.total)}
	if len(m.waiting) > 0 || wait.bytes > m.free {
		return nil
	}
	m.free -= wait.bytes
	return func() { m.giveBack(wait) }
}

// grant gives memory to who waits, in order, as far as it goes. The mutex is held.
func (m *Budget) grant() {
	for len(m.waiting) > 0 && m.waiting[0].bytes <= m.free {
		m.free -= m.waiting[0].bytes
		close(m.waiting[0].granted)
		m.waiting[0] = nil // Or the slice would hold it.
		m.waiting = m.waiting[1:]
	}
}

func (m *Budget) giveBack(wait *waiter) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.free += wait.bytes
	m.grant()
}

// giveUp takes back a wait whose context ended, or the memory that it was given in the same moment.
func (m *Budget) giveUp(wait *waiter) {
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
