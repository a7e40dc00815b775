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

	"sluice.internal/shared/stream/internal/groupcommit"
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

// batching makes a publisher that uses batches whenever four messages wait.
func batching(s *store) *groupcommit.Publisher[*nats.Msg, *jetstream.PubAck] {
	return newGroupCommit(s.one, s.many, groupcommit.Fixed(minTestBatch))
}

func messageWith(id string) *nats.Msg {
	return &nats.Msg{Subject: "in.0.x", Header: nats.Header{nats.MsgIdHdr: []string{id}}, Data: []byte("body")}
}

// publishAll publishes the ids at the same time and returns their outcomes.
func publishAll(ctx context.Context, p *groupcommit.Publisher[*nats.Msg, *jetstream.PubAck], ids ...string) (acks []*jetstream.PubAck, failures []error) {
	acks, failures = make([]*jetstream.PubAck, len(ids)), make([]error, len(ids))
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

func TestOutcomeAtTheDeadlineSaysThatItMayBeStored(t *testing.T) {
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
			fails := func(context.Context, *nats.Msg) (*jetstream.PubAck, error) { return nil, test.failure }
			_, err := newGroupCommit(fails, nil, groupcommit.SinglesOnly()).Publish(ctx, &nats.Msg{Subject: "in.0.x"})
			if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnknown) != test.unknown {
				t.Errorf("error %v, want it unavailable and unknown: %t", err, test.unknown)
			}
		})
	}
}

func TestCallerThatCancelsSaysNothingAboutTheStore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, unknown := range []bool{false, true} {
		err := ended(ctx, context.Cause(ctx), unknown)
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnknown) != unknown {
			t.Errorf("unknown %t: %v", unknown, err)
		}
	}
	if err := Classify(context.Canceled); errors.Is(err, ErrUnavailable) {
		t.Errorf("classified as %v", err)
	}
	late, end := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer end()
	if err := ended(late, errors.New("no answer"), false); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after the deadline: %v, want ErrUnavailable", err)
	}
}
