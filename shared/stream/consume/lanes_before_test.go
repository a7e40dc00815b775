package consume_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// makeLanes makes the group "a" as the version before did: a consumer for each lane, and for each part of what is due, with one
// event under way.
func makeLanes(ctx context.Context, t *testing.T, streams *streamtest.Streams, lanes int) {
	t.Helper()
	for lane := range lanes {
		for name, filter := range map[string]string{
			stream.Events: fmt.Sprintf("events.%d.>", lane), stream.Retries: fmt.Sprintf("due.a.%d", lane),
		} {
			_, err := streams.JetStream().CreateConsumer(ctx, name, jetstream.ConsumerConfig{
				Durable: fmt.Sprintf("a-%d", lane), FilterSubject: filter, AckPolicy: jetstream.AckExplicitPolicy,
				AckWait: consume.AckWait, MaxAckPending: 1, MaxDeliver: -1,
				Metadata: map[string]string{"sluice.group": "a", "sluice.types": "*"},
			})
			streamtest.Must(t, err)
		}
	}
}

// handOut takes the next event out of a consumer of a lane, as a worker of the version before.
func handOut(ctx context.Context, t *testing.T, streams *streamtest.Streams, name string) jetstream.Msg {
	t.Helper()
	consumer, err := streams.JetStream().Consumer(ctx, stream.Events, name)
	streamtest.Must(t, err)
	message, err := consumer.Next(jetstream.FetchMaxWait(5 * time.Second))
	streamtest.Must(t, err)
	return message
}

// What the lanes of the version before have handled is not handed out again, what they have not comes in order, and an event
// that is under way is waited for.
func TestPartitionsTakeOverFromLanesWhereTheyEnded(t *testing.T) {
	t.Parallel()
	const lanes, events, busy = 4, 40, 2
	server, ctx := streamtest.Start(t), streamtest.Context(t)
	streams := server.Open(t, streamtest.Lanes(lanes))
	makeLanes(ctx, t, streams, lanes)
	var want []uint64
	for id := range events {
		event := streamtest.Event(streams, id)
		event.Lane = id % lanes
		stored, err := streams.PublishEvents(ctx, []notification.Event{event})
		streamtest.Must(t, err)
		if id/lanes >= 3+event.Lane { // Each lane has got another distance.
			want = append(want, stored[0].Sequence)
		}
	}
	for lane := range lanes {
		for range 3 + lane {
			streamtest.Must(t, handOut(ctx, t, streams, fmt.Sprintf("a-%d", lane)).DoubleAck(ctx))
		}
	}
	underWay := handOut(ctx, t, streams, fmt.Sprintf("a-%d", busy))
	metadata, err := underWay.Metadata()
	streamtest.Must(t, err)
	want = slices.DeleteFunc(want, func(sequence uint64) bool { return sequence == metadata.Sequence.Stream })

	group, err := streams.Group(ctx, consume.GroupSettings{Name: "a"})
	streamtest.Must(t, err)
	opened := make(chan error, 1)
	go func() {
		_, err := group.Partitions[busy].Open(ctx)
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("a lane is taken over whose event is under way, error %v", err)
	case <-time.After(3 * time.Second):
	}
	streamtest.Must(t, underWay.InProgress(), underWay.DoubleAck(ctx))
	streamtest.Must(t, <-opened)
	got := drainGroup(ctx, t, group, len(want))
	if !slices.Equal(got, want) {
		t.Errorf("handed out %v, want %v", got, want)
	}
	// A worker of the version before refuses to begin, since it would make its lanes anew.
	if _, err := streams.JetStream().Consumer(ctx, stream.Events, "a-all"); err != nil {
		t.Errorf("nothing keeps older workers out: %v", err)
	}
	if _, err := streams.JetStream().Consumer(ctx, stream.Events, "a-0"); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Errorf("the lane that nobody asks is still there: %v", err)
	}
	streamtest.Eventually(ctx, t, "all lanes to be done", func() bool {
		progress, err := streams.Progress(ctx)
		return err == nil && slices.Min(progress.Groups[0].Floors) > events-2*lanes
	})
}

// An event whose worker is gone comes again, to the partition that has taken over.
func TestEventOfALaneWhoseWorkerIsGoneIsHandedOutByThePartition(t *testing.T) {
	t.Parallel()
	server, ctx := streamtest.Start(t), streamtest.Context(t)
	streams := server.Open(t, streamtest.Lanes(1))
	makeLanes(ctx, t, streams, 1)
	streamtest.PublishEvents(ctx, t, streams, 0, 3)
	handOut(ctx, t, streams, "a-0") // And no sign of life any more.
	group, err := streams.Group(ctx, consume.GroupSettings{Name: "a"})
	streamtest.Must(t, err)
	if got := drainGroup(ctx, t, group, 3); !slices.Equal(got, []uint64{1, 2, 3}) {
		t.Errorf("handed out %v, want all three", got)
	}
}

// What is due at an older group is handed out once.
func TestWhatIsDueIsTakenOverFromPartsOfTheVersionBefore(t *testing.T) {
	t.Parallel()
	server, ctx := streamtest.Start(t), streamtest.Context(t)
	streams := server.Open(t, streamtest.Lanes(2))
	makeLanes(ctx, t, streams, 2)
	for id := range 6 {
		streamtest.Must(t, streams.Redeliver(ctx, "a", streamtest.Event(streams, id), "replay/1"))
	}
	group, err := streams.Group(ctx, consume.GroupSettings{Name: "a"})
	streamtest.Must(t, err)
	seen := map[string]int{}
	for _, p := range group.Partitions {
		if _, err := p.Open(ctx); err != nil {
			t.Fatal(err)
		}
		if !p.Due() {
			continue
		}
		for {
			found := false
			pin, err := p.Ask(ctx, consume.Ask{Count: 1, Wait: 500 * time.Millisecond}, func(d *consume.Delivery) {
				found = true
				seen[d.Key]++
				streamtest.Must(t, d.Done())
			})
			streamtest.Must(t, err)
			if !found {
				break
			}
			streamtest.Must(t, p.GiveUp(ctx, pin))
		}
	}
	if len(seen) != 6 {
		t.Errorf("handed out %v, want each of six once", seen)
	}
}

// drainGroup opens the partitions of new events and takes that many out of them. It returns their sequences in order, and
// checks that those of a lane come in order.
func drainGroup(ctx context.Context, t *testing.T, group *consume.Group, count int) (sequences []uint64) {
	t.Helper()
	got := make(chan [2]uint64, 1000)
	for _, p := range group.Partitions {
		if p.Due() {
			continue
		}
		if _, err := p.Open(ctx); err != nil {
			t.Fatal(err)
		}
		defer streamtest.Serve(p, func(d *consume.Delivery) {
			_ = d.Done() // Else it comes again.
			if !d.Settled {
				got <- [2]uint64{uint64(d.Lane), d.Sequence}
			}
		})()
	}
	last := map[uint64]uint64{}
	for len(sequences) < count {
		select {
		case one := <-got:
			if one[1] <= last[one[0]] {
				t.Errorf("event %d of lane %d comes after %d", one[1], one[0], last[one[0]])
			}
			last[one[0]] = one[1]
			sequences = append(sequences, one[1])
		case <-ctx.Done():
			t.Fatalf("%d of %d events were handed out: %v", len(sequences), count, sequences)
		}
	}
	slices.Sort(sequences)
	return sequences
}

func TestGroupsOfTheVersionBeforeAreListedOnce(t *testing.T) {
	t.Parallel()
	server, ctx := streamtest.Start(t), streamtest.Context(t)
	streams := server.Open(t, streamtest.Lanes(2))
	makeLanes(ctx, t, streams, 2)
	if _, err := streams.Group(ctx, consume.GroupSettings{Name: "a", Unordered: true}); err == nil || !strings.Contains(err.Error(), "groups rm a") {
		t.Errorf("an ordered group of the version before becomes unordered: %v", err)
	}
	_, err := streams.Group(ctx, consume.GroupSettings{Name: "a"})
	streamtest.Must(t, err)
	names, err := streams.GroupNames(ctx)
	if err != nil || !slices.Equal(names, []string{"a"}) {
		t.Errorf("groups %v, error %v", names, err)
	}
	streamtest.Must(t, streams.RemoveGroup(ctx, "a"))
	consumers, err := streams.Consumers(ctx, stream.Events)
	if err != nil || len(consumers) != 0 {
		t.Errorf("%d consumers are left of a group that is removed, error %v", len(consumers), err)
	}
}

// Workers of the version before go on while their lanes are taken over. Each event is handed out by a lane or by a partition,
// and by nobody twice.
func TestLanesAreTakenOverWhileTheirWorkersWork(t *testing.T) {
	t.Parallel()
	const lanes, events = 8, 400
	server, ctx := streamtest.Start(t), streamtest.Context(t)
	streams := server.Open(t, streamtest.Lanes(lanes))
	makeLanes(ctx, t, streams, lanes)
	var (
		mutex sync.Mutex
		seen  = map[uint64]int{}
		total atomic.Int64
	)
	handled := func(sequence uint64) {
		mutex.Lock()
		defer mutex.Unlock()
		if seen[sequence]++; seen[sequence] > 1 {
			t.Errorf("event %d is handed out %d times", sequence, seen[sequence])
		}
		total.Add(1)
	}
	for lane := range lanes {
		consumer, err := streams.JetStream().Consumer(ctx, stream.Events, fmt.Sprintf("a-%d", lane))
		streamtest.Must(t, err)
		consuming, err := consumer.Consume(func(message jetstream.Msg) {
			metadata, err := message.Metadata()
			streamtest.Must(t, err)
			handled(metadata.Sequence.Stream)
			time.Sleep(time.Millisecond)
			streamtest.Must(t, message.Ack())
		}, jetstream.PullMaxMessages(64))
		streamtest.Must(t, err)
		defer consuming.Stop()
	}
	go func() {
		for id := range events {
			event := streamtest.Event(streams, id)
			event.Lane = id % lanes
			if _, err := streams.PublishEvents(ctx, []notification.Event{event}); err != nil {
				t.Error(err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	streamtest.Eventually(ctx, t, "the lanes to be at work", func() bool { return total.Load() > 20 })
	group, err := server.Open(t).Group(ctx, consume.GroupSettings{Name: "a"})
	streamtest.Must(t, err)
	for _, p := range group.Partitions {
		if _, err := p.Open(ctx); err != nil {
			t.Fatal(err)
		}
		if !p.Due() {
			defer streamtest.Serve(p, func(d *consume.Delivery) {
				if !d.Settled {
					handled(d.Sequence)
				}
				streamtest.Must(t, d.Done())
			})()
		}
	}
	streamtest.Eventually(ctx, t, "all events to be handed out", func() bool { return total.Load() >= events })
}
