package groupcommit

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestBatchesAreLeftAloneWhereTheyDoNotPay(t *testing.T) {
	t.Parallel()
	quick, slow := NewCosts(), NewCosts()
	now := time.Now()
	for i := range writesToLearn {
		begin := now.Add(time.Duration(i) * 10 * time.Millisecond)
		quick.Single(begin, begin.Add(15*time.Microsecond))
		slow.Single(begin, begin.Add(2*time.Millisecond))
	}
	if from := quick.Threshold(); from != never {
		t.Errorf("with writes of 15 µs batches are used from %d messages on", from)
	}
	if from := slow.Threshold(); from > 8 {
		t.Errorf("with writes of 2 ms batches are used from %d messages on only", from)
	}
	if from := SinglesOnly().Threshold(); from != never {
		t.Errorf("with single writes only batches are used from %d messages on", from)
	}
}

func TestBatchesThatTurnOutDearAreGivenUp(t *testing.T) {
	t.Parallel()
	c := NewCosts()
	if from := c.Threshold(); from < 8 || from > 16 {
		t.Errorf("at first batches are used from %d messages on", from)
	}
	for range 20 {
		for _, count := range []int{4, 8, 16, 32, 64, 128, 256, 500} {
			c.lastBatch = time.Time{} // Each by itself.
			c.Batch(count, time.Now().Add(-time.Duration(count)*time.Millisecond), time.Now())
		}
	}
	if from := c.Threshold(); from != never {
		t.Errorf("batches of 1 ms a message are used from %d messages on", from)
	}
}

func TestOneSlowBatchDoesNotEndTheUseOfBatches(t *testing.T) {
	t.Parallel()
	c := NewCosts()
	c.Batch(100, time.Now().Add(-30*time.Second), time.Now())
	if from := c.Threshold(); from > 100 {
		t.Errorf("batches are used from %d messages on", from)
	}
}

func TestSingleWritesAreTriedAgainWhereBatchesSeemCheaper(t *testing.T) {
	t.Parallel()
	s := &store{failMany: func([]string) (bool, error) {
		time.Sleep(200 * time.Millisecond) // Far dearer than these single writes, and at first nobody knows.
		return true, nil
	}}
	p := New(s.forPublisher(), NewCosts())
	deadline := time.Now().Add(30 * time.Second)
	for round := 0; p.costs.Threshold() != never; round++ {
		var ids []string
		for i := range 200 {
			ids = append(ids, fmt.Sprintf("%d-%d", round, i))
		}
		if _, failures := publishAll(t.Context(), p, ids...); errors.Join(failures...) != nil {
			t.Fatal(errors.Join(failures...))
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %d rounds batches are still used from %d messages on", round, p.costs.Threshold())
		}
	}
}
