package consume_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// formerIntake makes a shard's consumer as programs with version 1 of the keys do.
func formerIntake(t *testing.T, streams *streamtest.Streams) jetstream.Consumer {
	t.Helper()
	consumer, err := openFormerly(t, streams, 0)
	if err != nil {
		t.Fatal(err)
	}
	return consumer
}

func openFormerly(t *testing.T, streams *streamtest.Streams, shard int) (jetstream.Consumer, error) {
	t.Helper()
	return streams.JetStream().CreateOrUpdateConsumer(streamtest.Context(t), stream.Notifications, jetstream.ConsumerConfig{
		Durable: fmt.Sprintf("intake-%d", shard), FilterSubject: fmt.Sprintf("in.%d.>", shard), AckPolicy: jetstream.AckExplicitPolicy,
		PriorityPolicy: jetstream.PriorityPolicyPinned, PriorityGroups: []string{"intake"}, PinnedTTL: 6 * time.Second, MaxDeliver: -1,
	})
}

// store stores that many notifications and returns the sequence of the last.
func store(t *testing.T, streams *streamtest.Streams, from, count int) uint64 {
	t.Helper()
	last := uint64(0)
	for i := from; i < from+count; i++ {
		n := streamtest.Notification(i)
		receipt, err := streams.PublishNotification(streamtest.Context(t), &n)
		if err != nil {
			t.Fatal(err)
		}
		last = receipt
	}
	return last
}

func TestIntakeGoesOnWhereTheVersionBeforeEnded(t *testing.T) { //nolint:gocyclo // One story, told step by step.
	t.Parallel()
	streams := streamtest.Start(t).Open(t, streamtest.Shards(1))
	ctx := streamtest.Context(t)
	former := formerIntake(t, streams)
	until := store(t, streams, 0, 5)
	messages, err := former.Fetch(2, jetstream.FetchMaxWait(time.Minute), jetstream.FetchPriorityGroup("intake"))
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for message := range messages.Messages() { // Two of them are done.
		if err := message.DoubleAck(ctx); err != nil {
			t.Fatal(err)
		}
		done++
	}
	if done != 2 {
		t.Fatalf("%d are done: %v", done, messages.Error())
	}
	var took []notification.Notification
	for round := range 2 { // The second time it is opened it is there already.
		intake, err := streams.Intake(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		store(t, streams, 5+round, 1)
		for len(took) < 4+round {
			batch, err := intake.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for i := range batch {
				if len(took) == 0 || batch[i].Sequence > took[len(took)-1].Sequence { // What was not acknowledged in time comes again.
					took = append(took, batch[i].Notification)
				}
				if err := batch[i].Ack(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := intake.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range took {
		if n.Sequence != uint64(3+i) || n.Former != (n.Sequence <= until) {
			t.Errorf("notification %d is the %d. and former: %t; want one behind the other from 3 on, former up to %d", n.Sequence, i+1, n.Former, until)
		}
	}
	for _, n := range streamtest.Collect(t, streams.Notifications(ctx, admin.Query{})) {
		if n.Former != (n.Sequence <= until) {
			t.Errorf("an operator reads notification %d as former: %t", n.Sequence, n.Former)
		}
	}
}

// A shard goes over where the version before had taken in everything, and once more where the worker ended before it did.
func TestShardGoesOverOnceWithItsFirstNotificationOfThePresentKeys(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t, streamtest.Shards(1))
	ctx := streamtest.Context(t)
	former := formerIntake(t, streams)
	store(t, streams, 0, 1)
	message, err := former.Next(jetstream.FetchMaxWait(time.Minute), jetstream.FetchPriorityGroup("intake"))
	if err != nil {
		t.Fatal(err)
	}
	if err := message.DoubleAck(ctx); err != nil {
		t.Fatal(err)
	}
	for round, wantCrosses := range []bool{true, true, false} {
		intake, err := streams.Intake(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		store(t, streams, 1+round, 1)
		batch, err := intake.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if former, crosses := intake.Crossing(batch); former != 0 || crosses != wantCrosses {
			t.Errorf("round %d: %d are former and the shard goes over: %t, want %t", round, former, crosses, wantCrosses)
		}
		if round > 0 { // In the first the worker ends before.
			takeIn(ctx, t, intake, batch, 3-round) // In the second there is also what came in the first.
			streamtest.Eventually(ctx, t, "the server to know of it", func() bool {
				present, err := streams.JetStream().Consumer(ctx, stream.Notifications, "shard-0")
				return err == nil && present.CachedInfo().NumAckPending == 0
			})
		}
		if err := intake.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// takeIn acknowledges so many notifications, of which the batch is the beginning: they need not come in one.
func takeIn(ctx context.Context, t *testing.T, intake *consume.Intake, batch []consume.Received, count int) {
	t.Helper()
	for {
		for i := range batch {
			if err := batch[i].Ack(); err != nil {
				t.Fatal(err)
			}
		}
		if count -= len(batch); count <= 0 {
			return
		}
		var err error
		if batch, err = intake.Next(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// A worker of the version before that still runs is handed nothing any more, whatever it does.
func TestWorkerOfTheVersionBeforeIsHandedNothingMore(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t, streamtest.Shards(1))
	ctx := streamtest.Context(t)
	formerIntake(t, streams)
	intake, err := streams.Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	store(t, streams, 0, 1)
	former := formerIntake(t, streams) // As a worker does whose consumer fails, and one that starts.
	if _, err := streams.JetStream().ResetConsumer(ctx, stream.Notifications, "intake-0"); err != nil {
		t.Fatal(err)
	}
	batch, err := intake.Next(ctx)
	if err != nil || len(batch) != 1 || batch[0].Former {
		t.Fatalf("taken in: %+v, error %v", batch, err)
	}
	info, err := former.Info(ctx)
	if err != nil || !info.Paused || info.Delivered.Consumer != 0 {
		t.Errorf("the consumer of before: %+v, error %v", info, err)
	}
}

// What two workers decide at the same time holds for both.
func TestWorkersUpgradeAShardOnce(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Shards(1))
	formerIntake(t, streams)
	until := store(t, streams, 0, 3)
	opened := make(chan error)
	for range 4 {
		go func() {
			_, err := server.Open(t, streamtest.Shards(1)).Intake(streamtest.Context(t), 0)
			opened <- err
		}()
	}
	for range 4 {
		if err := <-opened; err != nil {
			t.Error(err)
		}
	}
	former, err := streams.Former(streamtest.Context(t))
	if err != nil || !former.Has(0, until) || former.Has(0, until+1) {
		t.Errorf("former up to %v, want %d; error %v", former, until, err)
	}
}

func TestStreamsOfTheVersionBeforeGetThePresentVersionOfTheKeys(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Lanes(8))
	ctx := streamtest.Context(t)
	metadata := func(change func(map[string]string)) map[string]string {
		opened, err := streams.JetStream().Stream(ctx, stream.Events)
		if err != nil {
			t.Fatal(err)
		}
		present := opened.CachedInfo().Config
		if change != nil {
			change(present.Metadata)
			if _, err := streams.JetStream().UpdateStream(ctx, present); err != nil {
				t.Fatal(err)
			}
		}
		return present.Metadata
	}
	metadata(func(m map[string]string) {
		m["sluice.lanes"] = m["sluice.event_lanes"]
		delete(m, "sluice.event_lanes")
		delete(m, "sluice.keys")
	})
	unmanaged := server.Open(t, func(s *config.Streams) { s.Manage = false })
	if _, err := unmanaged.Intake(ctx, 0); err == nil || !strings.Contains(err.Error(), "streams.manage") || unmanaged.Lanes() != 8 {
		t.Errorf("with %d lanes, who does not manage the streams is told %v", unmanaged.Lanes(), err)
	}
	if _, err := streams.Intake(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if m := metadata(nil); m["sluice.keys"] != "2" || m["sluice.event_lanes"] != "8" || m["sluice.lanes"] != "" {
		t.Errorf("the metadata is %v", m)
	}
	metadata(func(m map[string]string) { m["sluice.keys"] = "3" })
	again := server.Open(t)
	if _, err := again.Intake(ctx, 0); err == nil || !strings.Contains(err.Error(), "update this program") || metadata(nil)["sluice.keys"] != "3" {
		t.Errorf("a program older than the keys is told %v", err)
	}
}
