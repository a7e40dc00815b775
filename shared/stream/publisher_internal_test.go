package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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

func (s *store) put(id string) *jetstream.PubAck {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if sequence, ok := s.stored[id]; ok {
		return &jetstream.PubAck{Sequence: sequence, Duplicate: true}
	}
	if s.stored == nil {
		s.stored = map[string]uint64{}
	}
	s.stored[id] = uint64(len(s.stored) + 1)
	return &jetstream.PubAck{Sequence: s.stored[id]}
}

func (s *store) one(_ context.Context, message *nats.Msg) (*jetstream.PubAck, error) {
	s.singles.Add(1)
	id := message.Header.Get(nats.MsgIdHdr)
	if s.failOne != nil {
		if err := s.failOne(id); err != nil {
			return nil, err
		}
	}
	return s.put(id), nil
}

func (s *store) many(_ context.Context, messages []*nats.Msg) ([]*jetstream.PubAck, error) {
	s.batches.Add(1)
	var ids []string
	for _, message := range messages {
		ids = append(ids, message.Header.Get(nats.MsgIdHdr))
	}
	var failure error
	storeFirst := true
	if s.failMany != nil {
		storeFirst, failure = s.failMany(ids)
	}
	var acks []*jetstream.PubAck
	if storeFirst {
		for _, id := range ids {
			acks = append(acks, s.put(id))
		}
	}
	return acks, failure
}

// batching makes a publisher that uses batches whenever two messages wait.
func batching(s *store) *publisher {
	return &publisher{one: s.one, many: s.many, cost: &costs{settled: leastBatch}}
}

func messageWith(id string) *nats.Msg {
	return &nats.Msg{Subject: "in.0.x", Header: nats.Header{nats.MsgIdHdr: []string{id}}, Data: []byte("body")}
}

// publishAll publishes the ids at the same time and returns their outcomes.
func publishAll(ctx context.Context, p *publisher, ids ...string) (acks []*jetstream.PubAck, failures []error) {
	acks, failures = make([]*jetstream.PubAck, len(ids)), make([]error, len(ids))
	var group sync.WaitGroup
	for i, id := range ids {
		group.Go(func() { acks[i], failures[i] = p.publish(ctx, messageWith(id)) })
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
		if failures[i] != nil || acks[i].Sequence != s.stored[id] {
			t.Fatalf("message %s: acknowledgement %v, error %v, stored at %d", id, acks[i], failures[i], s.stored[id])
		}
	}
	if s.batches.Load() == 0 {
		t.Error("three hundred at once used no batch")
	}
}

func TestRefusedBatchIsResolvedMessageByMessage(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]error{
		"a duplicate inside":     &jetstream.APIError{Code: 400, ErrorCode: codeBatchHasDuplicate},
		"too many batches open":  &jetstream.APIError{Code: 429, ErrorCode: codeAtomicTooManyOpen},
		"a leader that changed":  nats.ErrNoResponders,
		"a connection that fell": nats.ErrDisconnected,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &store{failMany: func([]string) (bool, error) { return false, refusal }}
			s.put("5")
			ids := idsFrom(50)
			acks, failures := publishAll(t.Context(), batching(s), ids...)
			for i, id := range ids {
				if failures[i] != nil || acks[i].Sequence != s.stored[id] || acks[i].Duplicate != (id == "5") {
					t.Errorf("message %s: acknowledgement %v, error %v", id, acks[i], failures[i])
				}
			}
		})
	}
}

func TestBatchThatWasStoredWithoutAnAcknowledgementIsStoredOnce(t *testing.T) {
	t.Parallel()
	s := &store{failMany: func([]string) (bool, error) { return true, context.DeadlineExceeded }}
	ids := idsFrom(50)
	acks, failures := publishAll(t.Context(), batching(s), ids...)
	for i, id := range ids {
		if failures[i] != nil || acks[i].Sequence != s.stored[id] {
			t.Errorf("message %s: acknowledgement %v, error %v", id, acks[i], failures[i])
		}
	}
	if len(s.stored) != 50 {
		t.Errorf("%d messages stored, want 50", len(s.stored))
	}
}

// The batch was stored, its acknowledgement lost, and after that nothing could even be sent: nobody may be told that
// the message is certainly not stored.
func TestLostBatchIsNoCertainFailureWhenNothingCanBeSentAfterIt(t *testing.T) {
	t.Parallel()
	s := &store{
		failMany: func([]string) (bool, error) { return true, nats.ErrDisconnected },
		failOne:  func(string) error { return nats.ErrReconnectBufExceeded },
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	p := batching(s)
	_, failures := publishAll(ctx, p, "a", "b", "c", "d", "e", "f", "g", "h")
	for i, err := range failures {
		if s.stored["abcdefgh"[i:i+1]] > 0 && !errors.Is(err, ErrUnknown) {
			t.Errorf("message %d is stored and its error is %v", i, err)
		}
	}
	if s.batches.Load() == 0 {
		t.Error("there was no batch")
	}
}

func TestFullStreamIsToldToEveryCaller(t *testing.T) {
	t.Parallel()
	full := &jetstream.APIError{Code: 503, ErrorCode: codeStoreFailed}
	s := &store{
		failOne:  func(string) error { return full },
		failMany: func([]string) (bool, error) { return false, full },
	}
	_, failures := publishAll(t.Context(), batching(s), idsFrom(20)...)
	for i, err := range failures {
		if !errors.Is(err, ErrFull) {
			t.Errorf("message %d: error %v, want ErrFull", i, err)
		}
	}
}

func TestOutcomeAtTheDeadlineTellsWhetherItMayBeStored(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		failure error
		unknown bool
	}{
		"sent, and no acknowledgement": {context.DeadlineExceeded, true},
		"the connection fell":          {nats.ErrDisconnected, true},
		"nobody was there to take it":  {nats.ErrNoResponders, false},
		"not connected":                {nats.ErrReconnectBufExceeded, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
			defer cancel()
			s := &store{failOne: func(string) error { return test.failure }}
			_, err := batching(s).publish(ctx, messageWith("a"))
			if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnknown) != test.unknown {
				t.Errorf("error %v, want it unavailable and unknown: %t", err, test.unknown)
			}
		})
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
	for _, id := range idsFrom(leastBatch) {
		group.Go(func() {
			if _, err := p.publish(t.Context(), messageWith(id)); err != nil {
				t.Error(err)
			}
		})
	}
	<-waiting // A batch is under way, so this one waits in the queue.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.publish(ctx, messageWith("late")); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnknown) {
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
		return false, nats.ErrNoResponders
	}}
	p := batching(s)
	p.singles = 10
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, failures := publishAll(ctx, p, idsFrom(leastBatch)...)
	for i, err := range failures {
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("message %d: error %v, want ErrUnknown", i, err)
		}
	}
	close(release)
	p.singles = 0
	if _, err := p.publish(t.Context(), messageWith("next")); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

func TestTooManyAtOnceAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := &store{failOne: func(string) error { <-release; return nil }}
	p := &publisher{one: s.one, many: s.many, cost: &costs{settled: neverBatch}}
	var group sync.WaitGroup
	for _, id := range idsFrom(maxPending) {
		group.Go(func() {
			if _, err := p.publish(t.Context(), messageWith(id)); err != nil {
				t.Error(err)
			}
		})
	}
	for s.singles.Load() < maxPending {
		time.Sleep(time.Millisecond)
	}
	if _, err := p.publish(t.Context(), messageWith("more")); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v, want ErrBusy", err)
	}
	close(release)
	group.Wait()
	if _, err := p.publish(t.Context(), messageWith("more")); err != nil {
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
	p := &publisher{one: s.one, many: s.many, cost: &costs{settled: neverBatch}}
	large := func(id string) *nats.Msg {
		message := messageWith(id)
		message.Data = make([]byte, maxPendingBytes/4)
		return message
	}
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			if _, err := p.publish(t.Context(), large(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	for s.singles.Load() < 4 {
		time.Sleep(time.Millisecond)
	}
	if _, err := p.publish(t.Context(), large("more")); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v, want ErrBusy", err)
	}
	close(release)
	group.Wait()
}

func TestBatchesAreLeftAloneWhereTheyDoNotPay(t *testing.T) {
	t.Parallel()
	quick, slow := newCosts(1), newCosts(1)
	now := time.Now()
	for i := range writesToLearn {
		begin := now.Add(time.Duration(i) * 10 * time.Millisecond)
		quick.single(begin, begin.Add(15*time.Microsecond))
		slow.single(begin, begin.Add(2*time.Millisecond))
	}
	if from := quick.batchFrom(); from != neverBatch {
		t.Errorf("with writes of 15 µs batches are used from %d messages on", from)
	}
	if from := slow.batchFrom(); from > 8 {
		t.Errorf("with writes of 2 ms batches are used from %d messages on only", from)
	}
	if from := newCosts(3).batchFrom(); from != neverBatch {
		t.Errorf("on three replicas batches are used from %d messages on", from)
	}
}

func TestBatchesThatTurnOutDearAreGivenUp(t *testing.T) {
	t.Parallel()
	c := newCosts(1)
	if from := c.batchFrom(); from < 8 || from > 16 {
		t.Errorf("at first batches are used from %d messages on", from)
	}
	for range 20 {
		for _, count := range []int{4, 8, 16, 32, 64, 128, 256, 500} {
			c.lastBatch = time.Time{} // Each by itself.
			c.batch(count, time.Now().Add(-time.Duration(count)*time.Millisecond), time.Now())
		}
	}
	if from := c.batchFrom(); from != neverBatch {
		t.Errorf("batches of 1 ms a message are used from %d messages on", from)
	}
}

func TestOneSlowBatchDoesNotEndTheUseOfBatches(t *testing.T) {
	t.Parallel()
	c := newCosts(1)
	c.batch(100, time.Now().Add(-30*time.Second), time.Now())
	if from := c.batchFrom(); from > 100 {
		t.Errorf("batches are used from %d messages on", from)
	}
}

func TestSingleWritesAreTriedAgainWhereBatchesSeemCheaper(t *testing.T) {
	t.Parallel()
	s := &store{failMany: func([]string) (bool, error) {
		time.Sleep(200 * time.Millisecond) // Far dearer than these single writes, and at first nobody knows.
		return true, nil
	}}
	p := &publisher{one: s.one, many: s.many, cost: newCosts(1)}
	deadline := time.Now().Add(30 * time.Second)
	for round := 0; p.cost.batchFrom() != neverBatch; round++ {
		var ids []string
		for i := range 200 {
			ids = append(ids, fmt.Sprintf("%d-%d", round, i))
		}
		if _, failures := publishAll(t.Context(), p, ids...); errors.Join(failures...) != nil {
			t.Fatal(errors.Join(failures...))
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %d rounds batches are still used from %d messages on", round, p.cost.batchFrom())
		}
	}
}
