package admin_test

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// Many workers tell their state all the time. Who listens must come to an end nevertheless, and hear each of them once.
func TestWorkersAreAskedForATimeThoughTheyAreNeverQuiet(t *testing.T) {
	t.Parallel()
	streams, _ := opened(t, streamtest.Configured(), 0)
	conn := streams.JetStream().Conn()
	ended := make(chan struct{})
	var telling sync.WaitGroup
	for number := range 8 {
		telling.Go(func() {
			for {
				tell(t, conn, stream.WorkerState{ID: strconv.Itoa(number), Group: "a"})
				tell(t, conn, stream.WorkerState{ID: "leaving", Group: "a", Leaving: number%2 == 0})
				select {
				case <-ended:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
	ctx, cancel := context.WithTimeout(streamtest.Context(t), time.Minute)
	defer cancel()
	workers, err := streams.Workers(ctx)
	close(ended)
	telling.Wait()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	for _, worker := range workers {
		told[worker.ID]++
	}
	for number := range 8 {
		if told[strconv.Itoa(number)] != 1 {
			t.Errorf("worker %d is there %d times", number, told[strconv.Itoa(number)])
		}
	}
}

func tell(t *testing.T, conn *nats.Conn, state stream.WorkerState) {
	t.Helper()
	document, err := json.Marshal(state)
	if err == nil {
		err = conn.Publish("worker.state."+state.Group, document)
	}
	if err != nil {
		t.Error(err)
	}
}
