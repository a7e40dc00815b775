package keyed_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"sluice.internal/worker/keyed"
)

const (
	ackWait = 8 * time.Second
	pinTime = 6 * time.Second
	askTime = 1500 * time.Millisecond
)

var errSilent = errors.New("the broker does not answer")

// message is what the simulated broker stores.
type message struct {
	key string
	// handedOut is when somebody got it the last time, zero while nobody has it; redeliver that it comes again at once.
	handedOut       time.Time
	times           int
	redeliver, done bool
}

// simulated is the consumer of one partition, as far as the engine knows it: pins, the time for acknowledging, handing out
// again, and acknowledgements that come whenever they come. It is used within a bubble of synctest alone.
type simulated struct {
	mutex    sync.Mutex
	messages []*message // by sequence, from 1
	next     int        // the index of the next new one
	place    uint64
	pin      int // of the owner, 0 without
	pins     int
	pinnedAt time.Time

	record   []keyed.Aside
	revision uint64
	writer   *link
	setAside int // how often a key came to be aside
}

// publish stores a message.
func (s *simulated) publish(key string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.messages = append(s.messages, &message{key: key})
}

// open returns how many messages are not acknowledged.
func (s *simulated) open() (count int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, m := range s.messages {
		if !m.done {
			count++
		}
	}
	return count
}

// expire hands out again what nobody gave a sign of life for.
func (s *simulated) expire() {
	for _, m := range s.messages[:s.next] {
		if !m.done && !m.handedOut.IsZero() && time.Since(m.handedOut) >= ackWait {
			m.redeliver = true
		}
	}
	if s.pin != 0 && time.Since(s.pinnedAt) >= pinTime {
		s.pin = 0
	}
}

// take hands out one message, nil when there is none.
func (s *simulated) take(window int) (sequence int) {
	pending := 0
	for i, m := range s.messages[:s.next] {
		if m.redeliver && !m.done {
			return i + 1
		}
		if !m.done {
			pending++
		}
	}
	if s.next == len(s.messages) || pending >= window {
		return 0
	}
	s.next++
	return s.next
}

// link is one worker's connection to the broker. What goes through it may be cut off, late, or lost with the worker.
type link struct {
	broker *simulated
	chance *rand.Rand
	mutex  sync.Mutex
	cut    bool                 // nothing goes through
	dead   bool                 // the worker was killed
	mute   bool                 // nothing goes through, and nobody is told
	loses  bool                 // what the broker hands out gets lost, as when a request ends on this side alone
	got    map[uint64]time.Time // when each message was handed to this worker the last time
	read   map[uint64]string    // the keys of what this worker did of what is aside
	fails  bool                 // the next request fails
	loss   int                  // the sequence that gets lost next, 0 for none
	late   time.Duration        // how much later the record is written than its writer gives up; 0 for at once
}

func (l *link) set(change func(*link)) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	change(l)
}

func (l *link) passes() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return !l.cut && !l.dead && !l.mute
}

func (l *link) delay(most time.Duration) time.Duration {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return time.Duration(l.chance.Int64N(int64(most)))
}

func (l *link) Open(context.Context) (bool, error) { return false, nil }

// Ask hands out as JetStream does: to whoever is pinned, what comes again first.
func (l *link) Ask(ctx context.Context, r keyed.Request, each func(keyed.Delivery)) (answer keyed.Answer, err error) {
	mine := 0
	if r.Pin != "" {
		mine = int(r.Pin[0])
	}
	l.mutex.Lock()
	fails := l.fails
	l.fails = false
	l.mutex.Unlock()
	if fails {
		return answer, errSilent
	}
	count, pause := 0, 10*time.Millisecond
	for begin, first := time.Now(), true; time.Since(begin) < r.Wait && ctx.Err() == nil && count < max(r.Count, 1); first = false {
		if !l.passes() {
			wait(ctx, r.Wait)
			l.mutex.Lock()
			defer l.mutex.Unlock()
			if l.mute {
				return answer, nil
			}
			return answer, errSilent
		}
		got, known := l.hand(mine, r.Count, first, each)
		if !known {
			return answer, keyed.ErrNotOwner
		}
		if got == 0 {
			pause = min(2*pause, 160*time.Millisecond) // Hours pass in which there is nothing to hand out.
			wait(ctx, pause)
			continue
		}
		count++
		if mine == 0 {
			mine = got
			answer.Pin = string(rune(got))
		}
		if count%16 == 0 {
			wait(ctx, l.delay(10*time.Millisecond))
		}
	}
	return answer, nil
}

// hand hands out one message to who has a pin, or gets one. It returns the pin, 0 without a message.
func (l *link) hand(mine, asked int, first bool, each func(keyed.Delivery)) (pin int, known bool) {
	s := l.broker
	s.mutex.Lock()
	s.expire()
	switch {
	case s.pin != 0 && mine == 0:
		s.mutex.Unlock()
		return 0, true
	case mine != 0 && mine != s.pin:
		s.mutex.Unlock()
		return 0, false
	}
	if first && s.pin != 0 {
		s.pinnedAt = time.Now()
	}
	if asked == 0 {
		s.mutex.Unlock()
		return 0, true
	}
	sequence := s.take(64)
	if sequence == 0 {
		s.mutex.Unlock()
		return 0, true
	}
	if s.pin == 0 {
		s.pins++
		s.pin, s.pinnedAt = s.pins, time.Now()
	}
	m := s.messages[sequence-1]
	m.handedOut, m.redeliver = time.Now(), false
	m.times++
	s.place++
	d := &event{link: l, sequence: sequence, place: s.place, times: m.times, key: m.key}
	pin = s.pin
	s.mutex.Unlock()
	l.mutex.Lock()
	lost := l.loses && l.chance.IntN(20) == 0 || l.loss == sequence
	if lost {
		l.loss = 0
	}
	l.mutex.Unlock()
	if !lost {
		l.set(func(l *link) { l.got[d.Sequence()] = time.Now() })
		each(d)
	}
	return pin, true
}

func (l *link) HandedOut(ctx context.Context) (count int, place uint64, err error) {
	wait(ctx, l.delay(5*time.Millisecond))
	if !l.passes() {
		wait(ctx, askTime)
		return 0, 0, errSilent
	}
	l.broker.mutex.Lock()
	defer l.broker.mutex.Unlock()
	for _, m := range l.broker.messages[:l.broker.next] {
		if !m.done {
			count++
		}
	}
	return count, l.broker.place, nil
}

func (l *link) Renew(ctx context.Context, deliveries []keyed.Delivery) error {
	wait(ctx, l.delay(5*time.Millisecond))
	if !l.passes() || ctx.Err() != nil {
		wait(ctx, askTime)
		return errSilent
	}
	l.broker.mutex.Lock()
	defer l.broker.mutex.Unlock()
	for _, d := range deliveries {
		m := l.broker.messages[d.Sequence()-1]
		if !m.done && !m.redeliver {
			m.handedOut = time.Now()
		}
	}
	return nil
}

// Allowed lets everything be set aside.
func (l *link) Allowed() bool { return true }

// Load returns the record.
func (l *link) Load(ctx context.Context) (saved []keyed.Aside, revision, last uint64, err error) {
	wait(ctx, l.delay(5*time.Millisecond))
	if !l.passes() {
		wait(ctx, askTime)
		return nil, 0, 0, errSilent
	}
	l.broker.mutex.Lock()
	defer l.broker.mutex.Unlock()
	return slices.Clone(l.broker.record), l.broker.revision, uint64(len(l.broker.messages)), nil
}

// Save writes the record. Where nothing goes through it may be written much later, as when it waited in a buffer; and the answer
// may be lost.
func (l *link) Save(ctx context.Context, list []keyed.Aside, revision uint64) (uint64, error) {
	l.mutex.Lock()
	late := l.late
	l.mutex.Unlock()
	if late > 0 {
		time.AfterFunc(late, func() { l.broker.save(nil, list, revision) })
		wait(ctx, askTime)
		return 0, errSilent
	}
	wait(ctx, l.delay(5*time.Millisecond))
	if !l.passes() {
		if l.delay(2) == 0 {
			time.AfterFunc(l.delay(20*time.Second), func() { l.broker.save(nil, list, revision) })
		}
		wait(ctx, askTime)
		return 0, errSilent
	}
	now, written := l.broker.save(l, list, revision)
	switch {
	case !written:
		return 0, keyed.ErrOvertaken
	case l.delay(30) == 0:
		return 0, errSilent
	}
	return now, nil
}

// save writes the record. Who wrote the one that is there may write another one.
func (s *simulated) save(by *link, list []keyed.Aside, revision uint64) (now uint64, written bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if revision != s.revision && (by == nil || by != s.writer) {
		return 0, false
	}
	s.writer = by
	if len(list) > len(s.record) {
		s.setAside++
	}
	s.record = slices.Clone(list)
	s.revision++
	return s.revision, true
}

// Floor returns up to where everything is acknowledged.
func (l *link) Floor(context.Context) (uint64, error) {
	if !l.passes() {
		return 0, errSilent
	}
	l.broker.mutex.Lock()
	defer l.broker.mutex.Unlock()
	for i, m := range l.broker.messages[:l.broker.next] {
		if !m.done {
			return uint64(i), nil
		}
	}
	return uint64(l.broker.next), nil
}

// Read reads a few messages, as far as they go.
func (l *link) Read(ctx context.Context, a keyed.Aside, after, upTo uint64, _ bool) (found []keyed.Delivery, read uint64, err error) {
	wait(ctx, l.delay(5*time.Millisecond))
	if !l.passes() {
		wait(ctx, askTime)
		return nil, 0, errSilent
	}
	l.broker.mutex.Lock()
	messages := l.broker.messages[after:upTo]
	l.broker.mutex.Unlock()
	most := 1 + int(l.delay(40))
	for read = after; read < upTo && len(found) < most; read++ {
		if m := messages[read-after]; keyed.KeyID(m.key) == a.ID {
			d := &event{link: l, sequence: int(read) + 1, times: 1, key: m.key, stored: true}
			l.set(func(l *link) { l.got[d.Sequence()] = time.Now() })
			found = append(found, d)
		}
	}
	return found, read, nil
}

func (l *link) GiveUp(_ context.Context, pin string) error {
	if !l.passes() {
		return errSilent
	}
	l.broker.mutex.Lock()
	defer l.broker.mutex.Unlock()
	if l.broker.pin == int([]rune(pin)[0]) {
		l.broker.pin = 0
	}
	return nil
}

// event is a message in the hands of a worker.
type event struct {
	link            *link
	sequence, times int
	place           uint64
	key             string
	stored          bool // it was read and not handed out
}

func (e *event) Key() string      { return e.key }
func (e *event) Sequence() uint64 { return uint64(e.sequence) }
func (e *event) Place() uint64    { return e.place }
func (e *event) Again() bool      { return e.times > 1 }
func (e *event) Settled() bool    { return false }
func (e *event) Where() string    { return "here" }

// Ack arrives a little later, and behind what was sent before it.
func (e *event) Ack() error {
	if e.stored {
		panic("what was read is acknowledged")
	}
	return e.later(func(m *message) { m.done = true })
}

func (e *event) Return(tell bool) error {
	if !tell || e.stored {
		return nil
	}
	return e.later(func(m *message) { m.redeliver = m.redeliver || !m.done })
}

func (e *event) later(change func(*message)) error {
	if !e.link.passes() {
		return errSilent
	}
	time.AfterFunc(e.link.delay(5*time.Millisecond), func() {
		e.link.broker.mutex.Lock()
		defer e.link.broker.mutex.Unlock()
		change(e.link.broker.messages[e.sequence-1])
	})
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// effects are what was done, by the key.
type effects struct {
	mutex sync.Mutex
	first map[string][]int // sequences, as each was done first
	seen  map[int]int
	begun map[int]begun
	wrong []string
	stale int // how many were begun although another worker had begun them since they came
}

// begun is who began a message the last time, and when.
type begun struct {
	by *link
	at time.Time
}

func (e *effects) begin(d keyed.Delivery, by *link, got time.Time) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	sequence := int(d.Sequence())
	if last, known := e.begun[sequence]; known && last.by != by && last.at.After(got) {
		e.stale++
	}
	e.begun[sequence] = begun{by, time.Now()}
	if done := e.first[d.Key()]; e.seen[sequence] == 0 && len(done) > 0 && done[len(done)-1] > sequence {
		e.wrong = append(e.wrong, d.Key())
	}
	if e.seen[sequence] == 0 {
		e.first[d.Key()] = append(e.first[d.Key()], sequence)
	}
	e.seen[sequence]++
}

func (e *effects) repeats() (count int) {
	for _, times := range e.seen {
		count += times - 1
	}
	return count
}

func (e *effects) sorted() bool {
	for _, done := range e.first {
		if !slices.IsSorted(done) {
			return false
		}
	}
	return true
}
