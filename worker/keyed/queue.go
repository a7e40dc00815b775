package keyed

import (
	"slices"
	"time"
)

// queue has the deliveries of one key in the order of their sequences. The first one may be under way. The engine's mutex
// guards it.
type queue struct {
	partition *Partition
	key       string
	holds     []*hold
	listed    bool        // it is in the engine's list of those that are ready
	waiting   *time.Timer // the pause before the next try of the first one, nil without
	aside     *aside      // nil as long as the key is not aside
}

// running reports whether the first one is under way.
func (q *queue) running() bool { return len(q.holds) > 0 && q.holds[0].begun }

// insert puts a delivery in its place, behind what has begun.
func (q *queue) insert(h *hold) {
	h.queue = q
	place := len(q.holds)
	for place > 0 && !q.holds[place-1].begun && q.holds[place-1].Sequence() > h.Sequence() {
		place--
	}
	q.holds = slices.Insert(q.holds, place, h)
}

// next makes the queue ready where there is something to begin.
func (q *queue) next() {
	if q.listed || q.waiting != nil || len(q.holds) == 0 || q.running() || q.blocked() {
		return
	}
	q.listed = true
	q.partition.engine.ready.push(q)
}

// pause lets the key wait before its next try. The engine's mutex is held.
func (q *queue) pause(delay time.Duration) {
	if delay <= 0 {
		q.next()
		return
	}
	e := q.partition.engine
	var timer *time.Timer
	timer = time.AfterFunc(delay, func() {
		e.mutex.Lock()
		defer e.mutex.Unlock()
		if q.waiting != timer { // It was dropped in between.
			return
		}
		q.waiting = nil
		q.next()
		e.dispatch()
	})
	q.waiting = timer
}

// drop takes out what has not begun.
func (q *queue) drop() (dropped []*hold) {
	if q.waiting != nil {
		q.waiting.Stop()
		q.waiting = nil
	}
	keep := 0
	if q.running() {
		keep = 1
	}
	dropped = slices.Clone(q.holds[keep:])
	clear(q.holds[keep:])
	q.holds = q.holds[:keep]
	return dropped
}

// list is a queue of queues, the first one first.
type list struct {
	items []*queue
	first int
}

func (l *list) push(q *queue) { l.items = append(l.items, q) }

// pop returns nil when there is none.
func (l *list) pop() *queue {
	if l.first == len(l.items) {
		return nil
	}
	q := l.items[l.first]
	l.items[l.first] = nil
	l.first++
	if l.first == len(l.items) {
		l.items, l.first = l.items[:0], 0
	} else if l.first > 1024 && l.first > len(l.items)/2 {
		n := copy(l.items, l.items[l.first:])
		clear(l.items[n:])
		l.items, l.first = l.items[:n], 0
	}
	return q
}
