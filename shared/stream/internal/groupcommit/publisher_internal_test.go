package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"
)

// store is a stream that a test can make misbehave. It folds repeated message ids as the server does.
type store struct {
	mutex    sync.Mutex
	stored   map[string]uint64
	batches  atomic.Int64
	singles  atomic.Int64
	failOne  func(id string) error
	failMany func(ids []string) (storeFirst bool, err error)
}

type message struct {
	id   string
	size int
}

type ack struct {
	sequence  uint64
	duplicate bool
}

var (
	errLate    = errors.New("the time is over")
	errUnknown = errors.New("it may be stored")
	errRefused = errors.New("refused")
)

func (s *store) forPublisher() Store[*message, ack] {
	return Store[*message, ack]{
		Write: s.one, WriteBatch: s.many, Size: func(m *message) int { return m.size },
		MayBeStored: func(err error) bool { return errors.Is(err, errUnknown) },
		Ended: func(_ context.Context, unknown bool) error {
			if unknown {
				return errors.Join(errLate, errUnknown)
			}
			return errLate
		},
		Repeat: func(ctx context.Context, write func(context.Context, *message) (ack, error), m *message, _ bool) (ack, error) {
			return write(ctx, m)
		},
	}
}

func (s *store) put(id string) ack {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if sequence, ok := s.stored[id]; ok {
		return ack{sequence: sequence, duplicate: true}
	}
	if s.stored == nil {
		s.stored = map[string]uint64{}
	}
	s.stored[id] = uint64(len(s.stored) + 1)
	return ack{sequence: s.stored[id]}
}

func (s *store) one(_ context.Context, message *message) (ack, error) {
	s.singles.Add(1)
	id := message.id
	if s.failOne != nil {
		if err := s.failOne(id); err != nil {
			return ack{}, err
		}
	}
	return s.put(id), nil
}

func (s *store) many(_ context.Context, messages []*message) ([]ack, error) {
	s.batches.Add(1)
	var ids []string
	for _, m := range messages {
		ids = append(ids, m.id)
	}
	var failure error
	storeFirst := true
	if s.failMany != nil {
		storeFirst, failure = s.failMany(ids)
	}
	var acks []ack
	if storeFirst {
		for _, id := range ids {
			acks = append(acks, s.put(id))
		}
	}
	return acks, failure
}

// batching makes a publisher that uses batches whenever four messages wait.
func batching(s *store) *Publisher[*message, ack] {
	return New(s.forPublisher(), Fixed(minBatch))
}

func messageWith(id string) *message {
	return &message{id: id, size: 4}
}

// publishAll publishes the ids at the same time and returns their outcomes.
func publishAll(ctx context.Context, p *Publisher[*message, ack], ids ...string) (acks []ack, failures []error) {
	acks, failures = make([]ack, len(ids)), make([]error, len(ids))
	var group sync.WaitGroup
	for i, id := range ids {
		group.Go(func() { acks[i], failures[i] = p.Publish(ctx, messageWith(id)) })
	}
	group.Wait()
	return acks, failures
}

func idsFrom(count int) []string {
	ids := make([]string, count)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	return ids
}

func TestEveryCallerLearnsTheReceiptOfItsOwnMessage(t *testing.T) {
	t.Parallel()
	s := &store{failOne: func(string) error {
		time.Sleep(time.Millisecond) // Long enough for others to queue up.
		return nil
	}}
	ids := idsFrom(300)
	acks, failures := publishAll(t.Context(), batching(s), ids...)
	for i, id := range ids {
		if failures[i] != nil || acks[i].sequence != s.stored[id] {
			t.Fatalf("message %s: acknowledgement %v, error %v, stored at %d", id, acks[i], failures[i], s.stored[id])
		}
	}
	if s.batches.Load() == 0 {
		t.Error("three hundred at once used no batch")
	}
}

func TestNothingIsPublishedAfterItsCallReturned(t *testing.T) {
	t.Parallel()
	release, waiting := make(chan struct{}), make(chan struct{})
	s := &store{failMany: func([]string) (bool, error) {
		close(waiting)
		<-release
		return true, nil
	}}
	p := batching(s)
	p.singles = 10 // Keep all in the queue until there are enough.
	var group sync.WaitGroup
	for _, id := range idsFrom(minBatch) {
		group.Go(func() {
			if _, err := p.Publish(t.Context(), messageWith(id)); err != nil {
				t.Error(err)
			}
		})
	}
	<-waiting // A batch is under way, so this one waits in the queue.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Publish(ctx, messageWith("late")); !errors.Is(err, errLate) || errors.Is(err, errUnknown) {
		t.Errorf("error %v, want it unavailable and not stored for certain", err)
	}
	close(release)
	group.Wait()
	if _, ok := s.stored["late"]; ok {
		t.Error("it was published after its call had returned")
	}
}

func TestCallerWhoseTimeEndsInABatchDoesNotWaitForIt(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := &store{failMany: func([]string) (bool, error) {
		<-release
		return false, errRefused
	}}
	p := batching(s)
	p.singles = 10
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, failures := publishAll(ctx, p, idsFrom(minBatch)...)
	for i, err := range failures {
		if !errors.Is(err, errUnknown) || !errors.Is(err, errLate) {
			t.Errorf("message %d: error %v, want errUnknown and errLate", i, err)
		}
	}
	close(release)
	p.singles = 0
	if _, err := p.Publish(t.Context(), messageWith("next")); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

func TestSentMessagesDoNotStayInMemory(t *testing.T) {
	t.Parallel()
	p := batching(&store{})
	p.costs = SinglesOnly()
	var sent []weak.Pointer[message]
	p.mutex.Lock()
	for _, id := range idsFrom(64) {
		m := messageWith(id)
		sent = append(sent, weak.Make(m))
		p.queue = append(p.queue, &entry[*message, ack]{ctx: t.Context(), message: m, result: make(chan result[ack], 1)})
	}
	p.releaseSingles(64)
	p.mutex.Unlock()
	runtime.GC()
	for i, message := range sent {
		if message.Value() != nil {
			t.Fatalf("message %d of %d is still reachable from the idle publisher", i, len(sent))
		}
	}
	runtime.KeepAlive(p)
}

func TestTooManyAtOnceAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := &store{failOne: func(string) error { <-release; return nil }}
	p := New(s.forPublisher(), SinglesOnly())
	var group sync.WaitGroup
	for _, id := range idsFrom(maxPending) {
		group.Go(func() {
			if _, err := p.Publish(t.Context(), messageWith(id)); err != nil {
				t.Error(err)
			}
		})
	}
	for s.singles.Load() < maxPending {
		time.Sleep(time.Millisecond)
	}
	if _, err := p.Publish(t.Context(), messageWith("more")); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v, want ErrBusy", err)
	}
	close(release)
	group.Wait()
	if _, err := p.Publish(t.Context(), messageWith("more")); err != nil {
		t.Errorf("after the others are done: %v", err)
	}
	if p.pending != 0 || p.bytes != 0 || p.singles != 0 {
		t.Errorf("left over: %d pending, %d bytes, %d singles", p.pending, p.bytes, p.singles)
	}
}

func TestLargeBodiesAreBoundedTogether(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := &store{failOne: func(string) error { <-release; return nil }}
	p := New(s.forPublisher(), SinglesOnly())
	large := func(id string) *message {
		return &message{id: id, size: maxPendingBytes / 4}
	}
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			if _, err := p.Publish(t.Context(), large(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	for s.singles.Load() < 4 {
		time.Sleep(time.Millisecond)
	}
	if _, err := p.Publish(t.Context(), large("more")); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v, want ErrBusy", err)
	}
	close(release)
	group.Wait()
}
