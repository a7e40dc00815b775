package stream_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"pgregory.net/rapid"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// atOnce lets what is processed go at any age.
var atOnce = stream.Keep{Notifications: time.Nanosecond, Events: time.Nanosecond}

// shortWindow is the shortest duplicate window that the server takes.
const shortWindow = 100 * time.Millisecond

func TestIdleShardsAndLanesHoldNothingBack(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{DuplicateWindow: shortWindow}), testContext(t)
	publish(ctx, t, streams, 0, 20) // One instance, so three shards get none.
	takeIn(ctx, t, streams, 20)
	publishEvents(ctx, t, streams, 0, 20) // Three chats, so 61 lanes or more get none.
	handle(ctx, t, streams, "default", 20)
	trimUntil(ctx, t, streams, func() bool {
		return firstSequence(ctx, t, streams, stream.Notifications) == 20 && firstSequence(ctx, t, streams, stream.Events) == 20
	})
}

func TestGroupThatNobodyServesHoldsItsEventsBack(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{Lanes: 4, DuplicateWindow: shortWindow}), testContext(t)
	publishEvents(ctx, t, streams, 0, 5)
	handle(ctx, t, streams, "served", 5)
	trimUntil(ctx, t, streams, func() bool { return firstSequence(ctx, t, streams, stream.Events) == 5 })
	if _, err := streams.Group(ctx, "unserved", nil); err != nil {
		t.Fatal(err)
	}
	publishEvents(ctx, t, streams, 5, 5)
	handle(ctx, t, streams, "served", 5)
	checkHeld(ctx, t, streams, `group "unserved"`)
	handle(ctx, t, streams, "unserved", 6)
	trimUntil(ctx, t, streams, func() bool { return firstSequence(ctx, t, streams, stream.Events) == 10 })
}

// checkHeld waits until events would go and somebody holds them back, and checks that none went.
func checkHeld(ctx context.Context, t *testing.T, streams *stream.Streams, holder string) {
	t.Helper()
	before := firstSequence(ctx, t, streams, stream.Events)
	eventually(ctx, t, holder+" to hold events back", func() bool {
		return strings.HasPrefix(trim(ctx, t, streams).Events.HeldBy, holder)
	})
	if got := firstSequence(ctx, t, streams, stream.Events); got != before {
		t.Errorf("the first event is %d, and was %d", got, before)
	}
}

func TestEventsStayWithoutAGroupAndWithHalfAGroup(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{Lanes: 4, DuplicateWindow: shortWindow}), testContext(t)
	publishEvents(ctx, t, streams, 0, 5)
	checkHeld(ctx, t, streams, "all groups that may come")
	makeLane(ctx, t, streams, "half", 1)
	checkHeld(ctx, t, streams, `group "half", which lacks lane 0`)
}

// makeLane makes one lane of a group, as somebody does who is killed before the others.
func makeLane(ctx context.Context, t interface{ Fatal(...any) }, streams *stream.Streams, group string, lane int) {
	_, err := streams.JetStream().CreateConsumer(ctx, stream.Events, jetstream.ConsumerConfig{
		Durable: fmt.Sprintf("%s-%d", group, lane), Description: fmt.Sprintf("hands lane %d to group %s", lane, group),
		FilterSubject: fmt.Sprintf("events.%d.>", lane), DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: 8 * time.Second, MaxAckPending: 1, MaxDeliver: -1,
		Metadata: map[string]string{"sluice.group": group, "sluice.types": "*"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNotificationsStayUntilEveryShardHasAnIntake(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	publish(ctx, t, streams, 0, 5)
	takeIn(ctx, t, streams, 5)
	if err := streams.JetStream().DeleteConsumer(ctx, stream.Notifications, "intake-2"); err != nil {
		t.Fatal(err)
	}
	cut := trim(ctx, t, streams).Notifications
	if cut.Messages != 0 || cut.HeldBy != "the intake of shard 2, which never ran" {
		t.Errorf("%+v, want nothing trimmed", cut)
	}
	if _, err := streams.Intake(ctx, 2); err != nil {
		t.Fatal(err)
	}
	trimUntil(ctx, t, streams, func() bool { return firstSequence(ctx, t, streams, stream.Notifications) == 5 })
}

func TestProcessedIsKeptForItsTimeWhileThereIsRoom(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	publish(ctx, t, streams, 0, 5)
	const apart = time.Second
	between := time.Now().Add(apart / 2)
	eventually(ctx, t, "time to pass", func() bool { return time.Since(between) > apart/2 })
	publish(ctx, t, streams, 5, 5)
	takeIn(ctx, t, streams, 10)
	for _, test := range []struct {
		keep  time.Duration
		first uint64
	}{{0, 1}, {time.Hour, 1}, {time.Since(between), 6}, {time.Nanosecond, 10}} {
		trimmed, err := streams.Trim(ctx, stream.Keep{Notifications: test.keep})
		if err != nil {
			t.Fatal(err)
		}
		if got := firstSequence(ctx, t, streams, stream.Notifications); got != test.first {
			t.Errorf("kept for %s: first is %d, want %d; %+v", test.keep, got, test.first, trimmed.Notifications)
		}
	}
}

func TestTrimSaysWhatItTook(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	publish(ctx, t, streams, 0, 10)
	before := notificationsRoom(ctx, t, streams)
	takeIn(ctx, t, streams, 10)
	var cut stream.Cut
	eventually(ctx, t, "acknowledgements to arrive", func() bool {
		pass := trim(ctx, t, streams).Notifications
		cut.Messages, cut.Bytes, cut.First = cut.Messages+pass.Messages, cut.Bytes+pass.Bytes, pass.First
		return cut.Messages == 9
	})
	after := notificationsRoom(ctx, t, streams)
	if gone := before.Bytes - after.Bytes; cut.Bytes < gone*9/10 || cut.Bytes > gone*11/10 || !cut.First.Equal(after.First) {
		t.Errorf("%+v, want %d bytes and first %s", cut, gone, after.First)
	}
}

func TestFullStreamTakesNewOnesOnceTheOldAreProcessed(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	streams := streamtest.Start(t).Open(t, stream.Settings{Notifications: stream.Bounds{MaxBytes: 16 << 10}})
	stored := fill(ctx, t, streams)
	if _, err := streams.Trim(ctx, stream.Keep{}); err != nil {
		t.Fatal(err)
	}
	n := sample(stored)
	if _, err := streams.PublishNotification(ctx, &n); !errors.Is(err, stream.ErrFull) {
		t.Fatalf("error %v, want ErrFull: nothing is processed", err)
	}
	takeIn(ctx, t, streams, stored)
	var cut stream.Cut
	eventually(ctx, t, "room", func() bool {
		trimmed, err := streams.Trim(ctx, stream.Keep{})
		if err != nil {
			t.Fatal(err)
		}
		cut = trimmed.Notifications
		return cut.Early
	})
	if _, err := streams.PublishNotification(ctx, &n); err != nil {
		t.Fatal(err)
	}
	// Much younger than 24 h, so no more than needed may go.
	if share := notificationsRoom(ctx, t, streams).Share; share < 0.7 || share > 0.9 {
		t.Errorf("%.0f %% are used after making room", 100*share)
	}
}

// fill publishes notifications until there is no room, and returns how many there are.
func fill(ctx context.Context, t *testing.T, streams *stream.Streams) int {
	t.Helper()
	for id := range 1000 {
		n := sample(id)
		_, err := streams.PublishNotification(ctx, &n)
		if errors.Is(err, stream.ErrFull) {
			return id
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the stream does not fill up")
	return 0
}

func TestWithoutRoomEventsGoEarlyButNotUnderTheDuplicateWindow(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		window time.Duration
		early  bool
	}{"window still open": {time.Hour, false}, "window over": {shortWindow, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			streams := streamtest.Start(t).Open(t, stream.Settings{
				Lanes: 4, DuplicateWindow: test.window, Events: stream.Bounds{MaxBytes: 16 << 10},
			})
			stored := fillEvents(ctx, t, streams)
			handle(ctx, t, streams, "default", stored)
			if !test.early {
				if cut := trim(ctx, t, streams).Events; cut.Messages != 0 {
					t.Errorf("%+v went within the window", cut)
				}
				return
			}
			eventually(ctx, t, "room", func() bool {
				trimmed, err := streams.Trim(ctx, stream.Keep{})
				if err != nil {
					t.Fatal(err)
				}
				return trimmed.Events.Early
			})
			publishEvents(ctx, t, streams, stored, 1)
		})
	}
}

func fillEvents(ctx context.Context, t *testing.T, streams *stream.Streams) int {
	t.Helper()
	for id := range 1000 {
		_, err := streams.PublishEvents(ctx, []notification.Event{sampleEvent(streams, id)})
		if errors.Is(err, stream.ErrFull) {
			return id
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the stream does not fill up")
	return 0
}

func TestTrimmingLeavesDuplicatesKnownAcrossARestart(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	// Full, so that trimming wants to have all of them.
	streams, ctx := server.Open(t, stream.Settings{Lanes: 4, Events: stream.Bounds{MaxBytes: 16 << 10}}), testContext(t)
	stored := fillEvents(ctx, t, streams)
	handle(ctx, t, streams, "default", stored)
	trim(ctx, t, streams)
	server.Restart(t)
	eventually(ctx, t, "the connection to be back", func() bool {
		_, err := streams.Trim(t.Context(), atOnce) // A deadline would be that of a request that got lost.
		return err == nil
	})
	for id := range stored {
		outcome, err := streams.PublishEvents(ctx, []notification.Event{sampleEvent(streams, id)})
		if err != nil || !outcome[0].Duplicate {
			t.Fatalf("event %d: %+v, error %v: want a duplicate", id, outcome, err)
		}
	}
}

// TestNothingIsLostWhileAllTrim lets passes of two processes race with publishers, an intake and two groups. What
// is trimmed too early is never handed out.
func TestNothingIsLostWhileAllTrim(t *testing.T) {
	t.Parallel()
	const count = 300
	server := streamtest.Start(t)
	settings := stream.Settings{Shards: 2, Lanes: 3, DuplicateWindow: shortWindow}
	streams, ctx := server.Open(t, settings), testContext(t)
	for _, group := range []string{"one", "two"} {
		if _, err := streams.Group(ctx, group, nil); err != nil {
			t.Fatal(err)
		}
	}
	trimming, stop := context.WithCancel(ctx)
	var passes, work sync.WaitGroup
	for range 2 {
		other := server.Open(t, settings)
		passes.Go(func() {
			for trimming.Err() == nil {
				if _, err := other.Trim(trimming, atOnce); err != nil && trimming.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	work.Go(func() {
		for id := range count {
			n := sample(id)
			n.Instance = strconv.Itoa(id % 7)
			if _, err := streams.PublishNotification(ctx, &n); err != nil {
				t.Error(err)
			}
		}
	})
	work.Go(func() {
		for id := 0; id < count; id += 5 {
			var events []notification.Event
			for i := range 5 {
				events = append(events, sampleEvent(streams, id+i))
			}
			if _, err := streams.PublishEvents(ctx, events); err != nil {
				t.Error(err)
			}
		}
	})
	work.Go(func() { takeIn(ctx, t, streams, count) })
	work.Go(func() { handle(ctx, t, streams, "one", count) })
	work.Go(func() { handle(ctx, t, streams, "two", count) })
	work.Wait()
	trimUntil(ctx, t, streams, func() bool {
		return firstSequence(ctx, t, streams, stream.Notifications) == count && firstSequence(ctx, t, streams, stream.Events) == count
	})
	stop()
	passes.Wait()
}

// TestNothingIsLostInAClusterWhileAllTrim stops a stream's leader. Passes may fail meanwhile, and must not take
// for processed what a server of the cluster has just not heard of.
func TestNothingIsLostInAClusterWhileAllTrim(t *testing.T) {
	t.Parallel()
	const count = 200
	cluster := streamtest.StartCluster(t)
	streams := cluster.Open(t, stream.Settings{Shards: 2, Lanes: 2, DuplicateWindow: shortWindow})
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	trimming, stop := context.WithCancel(t.Context()) // Without a deadline, as in a process.
	var passes, work sync.WaitGroup
	passes.Go(func() {
		for trimming.Err() == nil {
			_, _ = streams.Trim(trimming, atOnce)
		}
	})
	work.Go(func() {
		for id := range count {
			n := sample(id)
			n.Instance = strconv.Itoa(id % 7)
			if _, err := streams.PublishNotification(ctx, &n); err != nil {
				t.Error(err)
			}
			if _, err := streams.PublishEvents(ctx, []notification.Event{sampleEvent(streams, id)}); err != nil {
				t.Error(err)
			}
			if id == count/2 {
				cluster.StopLeader(t, stream.Notifications).Resume(t)
			}
		}
	})
	work.Go(func() { takeInAll(ctx, t, streams, count) })
	work.Go(func() { handleAll(ctx, t, streams, count) })
	work.Wait()
	eventually(ctx, t, "what is processed to go", func() bool {
		return firstSequence(ctx, t, streams, stream.Notifications) == count && firstSequence(ctx, t, streams, stream.Events) == count
	})
	stop()
	passes.Wait()
}

// takeInAll takes in that many notifications, opening the intakes again whenever they fail.
func takeInAll(ctx context.Context, t *testing.T, streams *stream.Streams, count int) {
	t.Helper()
	taking, done := context.WithCancel(ctx)
	defer done()
	seen := &tally{want: count, done: done}
	var group sync.WaitGroup
	for shard := range streams.Shards() {
		group.Go(func() {
			for taking.Err() == nil {
				opened, cancel := context.WithTimeout(taking, 2*time.Second)
				if _, err := streams.Intake(opened, shard); err == nil {
					takeInShard(opened, streams, shard, seen)
				}
				cancel()
			}
		})
	}
	group.Wait()
	seen.check(t)
}

// takeInShard takes in a shard until the context ends or something fails.
func takeInShard(ctx context.Context, streams *stream.Streams, shard int, seen *tally) {
	consumer, err := streams.JetStream().Consumer(ctx, stream.Notifications, intakeOf(shard))
	for err == nil && ctx.Err() == nil {
		var batch jetstream.MessageBatch
		batch, err = consumer.Fetch(50, jetstream.FetchMaxWait(100*time.Millisecond), jetstream.FetchPriorityGroup("intake"))
		if err != nil {
			return
		}
		for message := range batch.Messages() {
			_ = message.Ack() // Else it comes again.
			seen.add(message.Headers().Get(stream.HeaderRequestID))
		}
	}
}

// handleAll has a group handle that many events.
func handleAll(ctx context.Context, t *testing.T, streams *stream.Streams, count int) {
	t.Helper()
	handling, done := context.WithCancel(ctx)
	defer done()
	seen := &tally{want: count, done: done}
	group, err := streams.Group(ctx, "default", nil)
	if err != nil {
		t.Error(err)
		return
	}
	for lane := range streams.Lanes() {
		stop, err := group.Consume(lane, func(d *stream.Delivery) {
			_ = d.Done() // Else it comes again.
			seen.add(d.Key)
		}, func(error) {}) // It recovers by itself.
		if err != nil {
			t.Error(err)
			return
		}
		defer stop()
	}
	<-handling.Done()
	seen.check(t)
}

// tally counts different things up to a number.
type tally struct {
	want  int
	done  func()
	mutex sync.Mutex
	seen  map[string]bool
}

func (c *tally) add(id string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	if c.seen[id] = true; len(c.seen) == c.want {
		c.done()
	}
}

func (c *tally) check(t *testing.T) {
	t.Helper()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if len(c.seen) != c.want {
		t.Errorf("%d are processed, want %d", len(c.seen), c.want)
	}
}

// TestNothingUnprocessedIsTrimmed lets a few messages go through all that can happen to them, in any order, and
// compares what is left after each pass with what somebody still needs.
func TestNothingUnprocessedIsTrimmed(t *testing.T) {
	t.Parallel()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == "100" { // Its default.
		if err := checks.Value.Set("8"); err != nil { // Each takes half a second.
			t.Fatal(err)
		}
	}
	server := streamtest.Start(t, func(options *server.Options) { options.SyncAlways = false }) // No power is cut here.
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(t, server)
		m.begin(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"publish":         m.publish,
			"take in":         m.takeIn,
			"take over":       m.takeOver,
			"hand out":        m.handOut,
			"settle":          m.settle,
			"settle and trim": m.settleAndTrim,
			"grow old":        m.growOld,
			"rarely":          m.rarely,
		})
		m.finish(rt)
	})
}

const (
	modelShards = 2
	modelLanes  = 3
)

// model knows what somebody still needs: the intakes' notifications and each group's events.
type model struct {
	ctx     context.Context
	streams *stream.Streams
	next    int
	needed  map[string]map[uint64]bool // by consumer: what it has not processed
	shards  map[uint64]int             // of notifications
	lanes   map[uint64]int             // of events
	complete,
	made map[string]bool // groups
	held    []handed
	intakes map[int]jetstream.Consumer // each pinned to its shard
}

// handed is a message that somebody has and has not settled.
type handed struct {
	consumer string
	sequence uint64
	message  jetstream.Msg
}

func newModel(t *testing.T, server *streamtest.Server) *model {
	t.Helper()
	ctx := testContext(t)
	settings := stream.Settings{Shards: modelShards, Lanes: modelLanes, DuplicateWindow: shortWindow}
	js := server.Open(t, settings).JetStream()
	for _, name := range []string{stream.Notifications, stream.Events} {
		if err := js.DeleteStream(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	m := &model{
		ctx: ctx, streams: server.Open(t, settings), needed: map[string]map[uint64]bool{},
		shards: map[uint64]int{}, lanes: map[uint64]int{}, complete: map[string]bool{}, made: map[string]bool{},
		intakes: map[int]jetstream.Consumer{},
	}
	return m
}

// begin lets most runs begin with everybody there, since nothing is trimmed otherwise.
func (m *model) begin(t *rapid.T) {
	for range 3 {
		m.publish(t)
	}
	for shard := range modelShards {
		if rapid.IntRange(0, 9).Draw(t, "intake missing") > 0 {
			m.openIntake(t, shard)
		}
	}
	if rapid.IntRange(0, 9).Draw(t, "group missing") > 0 {
		m.makeGroup(t)
	}
}

// rarely does what would keep everything from being trimmed if it were done often.
func (m *model) rarely(t *rapid.T) {
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0:
		m.loseIntake(t)
	case 1:
		m.loseLane(t)
	case 2:
		m.makeHalfGroup(t)
	case 3, 4, 5:
		m.makeGroup(t)
	default:
		m.openIntake(t, rapid.IntRange(0, modelShards-1).Draw(t, "shard"))
	}
}

// growOld lets the events outlive the duplicate window, and trims.
func (m *model) growOld(t *rapid.T) {
	select {
	case <-m.ctx.Done():
	case <-time.After(shortWindow):
	}
	m.trim(t)
}

func intakeOf(shard int) string { return fmt.Sprintf("intake-%d", shard) }

func laneOf(group string, lane int) string { return fmt.Sprintf("%s-%d", group, lane) }

func (m *model) publish(t *rapid.T) {
	m.next++
	n := sample(m.next)
	n.Instance = rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(t, "instance")
	sequence, err := m.streams.PublishNotification(m.ctx, &n)
	check(t, err)
	event := sampleEvent(m.streams, m.next)
	event.Lane = rapid.IntRange(0, modelLanes-1).Draw(t, "lane")
	stored, err := m.streams.PublishEvents(m.ctx, []notification.Event{event})
	check(t, err)
	m.shards[sequence] = m.shardOf(t, sequence)
	m.lanes[stored[0].Sequence] = event.Lane
	m.need(intakeOf(m.shards[sequence]), sequence)
	for group := range m.made {
		m.need(laneOf(group, event.Lane), stored[0].Sequence)
	}
}

func (m *model) shardOf(t *rapid.T, sequence uint64) int {
	opened, err := m.streams.JetStream().Stream(m.ctx, stream.Notifications)
	check(t, err)
	message, err := opened.GetMsg(m.ctx, sequence)
	check(t, err)
	shard, err := strconv.Atoi(strings.Split(message.Subject, ".")[1])
	check(t, err)
	return shard
}

func (m *model) need(consumer string, sequence uint64) {
	if m.needed[consumer] == nil {
		m.needed[consumer] = map[uint64]bool{}
	}
	m.needed[consumer][sequence] = true
}

// takeIn has a shard's intake get a few notifications; where it is gone it is made again.
func (m *model) takeIn(t *rapid.T) {
	shard := rapid.IntRange(0, modelShards-1).Draw(t, "shard")
	m.openIntake(t, shard)
	batch, err := m.intakes[shard].Fetch(3, jetstream.FetchMaxWait(10*time.Millisecond), jetstream.FetchPriorityGroup("intake"))
	check(t, err)
	m.hold(t, intakeOf(shard), batch)
}

func (m *model) openIntake(t *rapid.T, shard int) {
	if m.intakes[shard] != nil {
		return
	}
	_, err := m.streams.Intake(m.ctx, shard)
	check(t, err)
	m.intakes[shard], err = m.streams.JetStream().Consumer(m.ctx, stream.Notifications, intakeOf(shard))
	check(t, err)
}

func (m *model) hold(t *rapid.T, consumer string, batch jetstream.MessageBatch) {
	for message := range batch.Messages() {
		metadata, err := message.Metadata()
		check(t, err)
		m.held = append(m.held, handed{consumer, metadata.Sequence.Stream, message})
	}
}

// takeOver has the next worker begin where the one before ended.
func (m *model) takeOver(t *rapid.T) {
	shard := rapid.IntRange(0, modelShards-1).Draw(t, "shard")
	if m.intakes[shard] == nil {
		return
	}
	_, err := m.streams.JetStream().ResetConsumer(m.ctx, stream.Notifications, intakeOf(shard))
	check(t, err)
}

// loseIntake deletes an intake's consumer. A new one has processed nothing.
func (m *model) loseIntake(t *rapid.T) {
	shard := rapid.IntRange(0, modelShards-1).Draw(t, "shard")
	m.lose(t, stream.Notifications, intakeOf(shard))
	delete(m.intakes, shard)
	m.needStored(t, stream.Notifications, intakeOf(shard), m.shards, shard)
}

func (m *model) lose(t *rapid.T, name, consumer string) {
	err := m.streams.JetStream().DeleteConsumer(m.ctx, name, consumer)
	if !errors.Is(err, jetstream.ErrConsumerNotFound) {
		check(t, err)
	}
	m.held = slices.DeleteFunc(m.held, func(h handed) bool { return h.consumer == consumer })
}

// needStored makes a consumer need all that is stored for it.
func (m *model) needStored(t *rapid.T, name, consumer string, places map[uint64]int, place int) {
	first := m.first(t, name)
	for sequence := range places {
		if sequence >= first && places[sequence] == place {
			m.need(consumer, sequence)
		}
	}
}

func (m *model) first(t *rapid.T, name string) uint64 {
	opened, err := m.streams.JetStream().Stream(m.ctx, name)
	check(t, err)
	if deleted := opened.CachedInfo().State.NumDeleted; deleted > 0 {
		t.Fatalf("stream %s has %d gaps", name, deleted)
	}
	return opened.CachedInfo().State.FirstSeq
}

var modelGroups = rapid.SampledFrom([]string{"a", "b"})

func (m *model) makeGroup(t *rapid.T) {
	group := modelGroups.Draw(t, "group")
	if m.complete[group] {
		return
	}
	_, err := m.streams.Group(m.ctx, group, nil)
	check(t, err)
	m.made[group], m.complete[group] = true, true
	for lane := range modelLanes {
		if m.needed[laneOf(group, lane)] == nil {
			m.needStored(t, stream.Events, laneOf(group, lane), m.lanes, lane)
		}
	}
}

// makeHalfGroup makes one lane, which needs all lanes' events to stay, since the others will come.
func (m *model) makeHalfGroup(t *rapid.T) {
	group := modelGroups.Draw(t, "group")
	if m.made[group] {
		return
	}
	makeLane(m.ctx, t, m.streams, group, rapid.IntRange(0, modelLanes-1).Draw(t, "lane"))
	m.made[group] = true
	for lane := range modelLanes {
		m.needStored(t, stream.Events, laneOf(group, lane), m.lanes, lane)
	}
}

// handOut hands out an event of each lane where none is under way.
func (m *model) handOut(t *rapid.T) {
	group := modelGroups.Draw(t, "group")
	for lane := range modelLanes {
		m.handOutLane(t, laneOf(group, lane))
	}
}

func (m *model) handOutLane(t *rapid.T, name string) {
	consumer, err := m.streams.JetStream().Consumer(m.ctx, stream.Events, name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return
	}
	check(t, err)
	batch, err := consumer.Fetch(1, jetstream.FetchMaxWait(5*time.Millisecond))
	check(t, err)
	m.hold(t, name, batch)
}

// loseLane deletes a lane's consumer. Its group is not complete until it is made again.
func (m *model) loseLane(t *rapid.T) {
	group, lane := modelGroups.Draw(t, "group"), rapid.IntRange(0, modelLanes-1).Draw(t, "lane")
	if !m.complete[group] {
		return
	}
	m.lose(t, stream.Events, laneOf(group, lane))
	m.complete[group] = false
	m.needStored(t, stream.Events, laneOf(group, lane), m.lanes, lane)
}

// settle acknowledges some of what is held, in any order, and gives some back.
func (m *model) settle(t *rapid.T) {
	if len(m.held) == 0 {
		return
	}
	some := rapid.SliceOfNDistinct(rapid.IntRange(0, len(m.held)-1), 1, len(m.held), rapid.ID[int]).Draw(t, "which")
	for _, i := range some {
		h := m.held[i]
		if rapid.IntRange(0, 3).Draw(t, "back") == 0 {
			check(t, h.message.NakWithDelay(0))
			continue
		}
		check(t, h.message.Ack())
		delete(m.needed[h.consumer], h.sequence)
	}
	slices.Sort(some)
	for _, i := range slices.Backward(some) {
		m.held = slices.Delete(m.held, i, i+1)
	}
}

func (m *model) settleAndTrim(t *rapid.T) {
	m.settle(t)
	m.trim(t)
}

func (m *model) trim(t *rapid.T) {
	_, err := m.streams.Trim(m.ctx, atOnce)
	check(t, err)
	first := map[bool]uint64{false: m.first(t, stream.Notifications), true: m.first(t, stream.Events)}
	for consumer, needed := range m.needed {
		for sequence := range needed {
			if isLane := !strings.HasPrefix(consumer, "intake-"); sequence < first[isLane] {
				t.Fatalf("%s needs message %d, and the first one stored is %d", consumer, sequence, first[isLane])
			}
		}
	}
	if len(m.made) == 0 && len(m.lanes) > 0 && first[true] > slices.Min(slices.Collect(maps.Keys(m.lanes))) {
		t.Fatal("events went before there was any group")
	}
}

// finish has everybody process everything, and expects that nothing is kept any more.
func (m *model) finish(t *rapid.T) {
	m.publish(t)
	m.makeGroup(t)
	for group := range m.made {
		_, err := m.streams.Group(m.ctx, group, nil)
		check(t, err)
	}
	for shard := range modelShards {
		_, err := m.streams.Intake(m.ctx, shard)
		check(t, err)
	}
	for {
		for shard := range modelShards {
			m.drain(t, stream.Notifications, intakeOf(shard))
		}
		for group := range m.made {
			for lane := range modelLanes {
				m.drain(t, stream.Events, laneOf(group, lane))
			}
		}
		m.trim(t)
		if m.isTrimmed(t, stream.Notifications) && m.isTrimmed(t, stream.Events) {
			return
		}
	}
}

func (m *model) isTrimmed(t *rapid.T, name string) bool {
	opened, err := m.streams.JetStream().Stream(m.ctx, name)
	check(t, err)
	return opened.CachedInfo().State.Msgs == 1
}

// drain acknowledges all that a consumer has not, what others held included.
func (m *model) drain(t *rapid.T, name, consumer string) {
	_, err := m.streams.JetStream().ResetConsumer(m.ctx, name, consumer)
	check(t, err)
	opened, err := m.streams.JetStream().Stream(m.ctx, name)
	check(t, err)
	options := []jetstream.FetchOpt{jetstream.FetchMaxWait(5 * time.Millisecond)}
	if name == stream.Notifications {
		options = append(options, jetstream.FetchPriorityGroup("intake"))
		check(t, opened.UnpinConsumer(m.ctx, consumer, "intake"))
	}
	worker, err := opened.Consumer(m.ctx, consumer)
	check(t, err)
	for {
		batch, err := worker.Fetch(10, options...)
		check(t, err)
		count := 0
		for message := range batch.Messages() {
			metadata, err := message.Metadata()
			check(t, err)
			check(t, message.DoubleAck(m.ctx))
			delete(m.needed[consumer], metadata.Sequence.Stream)
			count++
		}
		if count == 0 {
			return
		}
	}
}

func check(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func trim(ctx context.Context, t *testing.T, streams *stream.Streams) stream.Trimmed {
	t.Helper()
	trimmed, err := streams.Trim(ctx, atOnce)
	if err != nil {
		t.Fatal(err)
	}
	return trimmed
}

// trimUntil makes passes until done, since acknowledgements and time pass.
func trimUntil(ctx context.Context, t *testing.T, streams *stream.Streams, done func() bool) {
	t.Helper()
	eventually(ctx, t, "what is processed to go", func() bool {
		trim(ctx, t, streams)
		return done()
	})
}

func eventually(ctx context.Context, t *testing.T, what string, done func() bool) {
	t.Helper()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func firstSequence(ctx context.Context, t *testing.T, streams *stream.Streams, name string) uint64 {
	t.Helper()
	opened, err := streams.JetStream().Stream(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	return opened.CachedInfo().State.FirstSeq
}

func notificationsRoom(ctx context.Context, t *testing.T, streams *stream.Streams) stream.Room {
	t.Helper()
	rooms, err := streams.Rooms(ctx)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(rooms, func(r stream.Room) bool { return r.Name == stream.Notifications })
	if i < 0 {
		t.Fatal("no room of NOTIFICATIONS")
	}
	return rooms[i]
}

func publishEvents(ctx context.Context, t *testing.T, streams *stream.Streams, from, count int) {
	t.Helper()
	var events []notification.Event
	for id := from; id < from+count; id++ {
		events = append(events, sampleEvent(streams, id))
	}
	if _, err := streams.PublishEvents(ctx, events); err != nil {
		t.Fatal(err)
	}
}

// handle has a group handle that many events.
func handle(ctx context.Context, t *testing.T, streams *stream.Streams, name string, count int) {
	t.Helper()
	group, err := streams.Group(ctx, name, nil)
	if err != nil {
		t.Error(err)
		return
	}
	handled := make(chan uint64, count)
	for lane := range streams.Lanes() {
		stop, err := group.Consume(lane, func(d *stream.Delivery) {
			if err := d.Done(); err != nil {
				t.Error(err)
			}
			handled <- d.Sequence
		}, func(err error) { t.Error(err) })
		if err != nil {
			t.Error(err)
			return
		}
		defer stop()
	}
	for i := range count {
		select {
		case <-handled:
		case <-ctx.Done():
			t.Errorf("group %s handled %d events, want %d", name, i, count)
			return
		}
	}
}

func TestRoomWatchTellsEachChangeOnce(t *testing.T) {
	t.Parallel()
	var watch stream.RoomWatch
	for _, step := range []struct {
		share float64
		want  string
	}{
		{0.10, ""},
		{0.79, ""},
		{0.80, "warning: stream NOTIFICATIONS is filling up"},
		{0.81, ""},
		{0.76, ""},
		{0.85, ""}, // The operator knows.
		{0.95, "critical: stream NOTIFICATIONS is full"},
		{1.00, ""},
		{0.93, ""},
		{0.96, ""},
		{0.89, "warning: stream NOTIFICATIONS has room again"},
		{0.92, ""},
		{0.74, ""}, // Told at 89 %.
		{0.79, ""},
		{0.83, "warning: stream NOTIFICATIONS is filling up"},
		{0.74, "warning: stream NOTIFICATIONS has room again"},
		{0.99, "critical: stream NOTIFICATIONS is full"},
		{0.10, "warning: stream NOTIFICATIONS has room again"},
	} {
		got := ""
		for _, alert := range watch.Look([]stream.Room{
			{Usage: stream.Usage{Name: stream.Notifications, MaxBytes: 64 << 20}, Share: step.share},
			{Usage: stream.Usage{Name: stream.Rejections, MaxBytes: 64 << 20}, Share: 1}, // Meant to be full.
		}) {
			got += alert.Severity + ": " + alert.Title
		}
		if got != step.want {
			t.Errorf("at %.0f %%: %q, want %q", 100*step.share, got, step.want)
		}
	}
}

func TestAlertsAboutRoomSayWhatWaitsAndWhatToDo(t *testing.T) {
	t.Parallel()
	at := time.Now()
	look := func(name string, share float64, backlogs ...stream.Backlog) notification.Alert {
		var watch stream.RoomWatch
		return watch.Look([]stream.Room{{
			Usage: stream.Usage{Name: name, MaxBytes: 3 << 29}, Share: share, Backlogs: backlogs, At: at,
		}})[0]
	}
	for _, test := range []struct {
		alert notification.Alert
		want  string
	}{
		{
			look(stream.Notifications, 0.83, stream.Backlog{Name: "intake", Waiting: 40, UnderWay: 2}),
			"It has used 83 % of its 1.5 GiB. When it is full, senders are answered 503 for what does not fit. " +
				"Not processed: 42 wait for the intake, which no worker serves at the moment. " +
				"Start workers, see whether EVENTS is full, or give it more room with streams.notifications.max_bytes.",
		},
		{
			look(stream.Events, 0.97, stream.Backlog{Name: "a", Waiting: 1, Workers: 1}, stream.Backlog{Name: "b", Waiting: 9},
				stream.Backlog{Name: "c", Waiting: 5, Workers: 1}, stream.Backlog{Name: "d", Waiting: 7, Workers: 1}),
			"It has used 97 % of its 1.5 GiB. No events are made of new notifications, which wait in NOTIFICATIONS. " +
				`Not processed: 9 wait for group "b", which no worker serves at the moment; 7 wait for group "d"; ` +
				`5 wait for group "c"; and 1 more groups are behind. ` +
				"Start workers of these groups, remove a group that nobody needs, or give it more room with streams.events.max_bytes.",
		},
		{
			look(stream.Notifications, 0.8),
			"It has used 80 % of its 1.5 GiB. When it is full, senders are answered 503 for what does not fit. " +
				"Everything in it is processed; what is gets taken out earlier than it was to be kept. " +
				"To keep them longer, give it more room with streams.notifications.max_bytes.",
		},
		{
			look(stream.DeadLetters, 0.8),
			"It has used 80 % of its 1.5 GiB. When it is full, the oldest dead letters are dropped for new ones. " +
				"Send what is in it through again, or give it more room with streams.dead_letters.max_bytes.",
		},
	} {
		if test.alert.Detail != test.want || !test.alert.At.Equal(at) {
			t.Errorf("%s: %s\nwant %s", test.alert.Title, test.alert.Detail, test.want)
		}
	}
}

func TestRoomsCountBytesAndBacklogs(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	streams := streamtest.Start(t).Open(t, stream.Settings{Notifications: stream.Bounds{MaxBytes: 16 << 10}})
	if got := notificationsRoom(ctx, t, streams); got.Share != 0 || got.MaxBytes != 16<<10 {
		t.Errorf("empty: %+v", got)
	}
	if _, err := streams.Intake(ctx, 0); err != nil {
		t.Fatal(err)
	}
	n := sample(0)
	n.Instance = "" // Shard 0.
	for err := error(nil); err == nil; _, err = streams.PublishNotification(ctx, &n) {
		n.RequestID += "x"
	}
	got := notificationsRoom(ctx, t, streams)
	if got.Share < 0.9 || got.Share > 1 || len(got.Backlogs) != 1 || got.Backlogs[0].Waiting != got.Messages {
		t.Errorf("full: %+v", got)
	}
}

func TestRetentionMakesRoomTellsTheOperatorAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	streams := streamtest.Start(t).Open(t, stream.Settings{Notifications: stream.Bounds{MaxBytes: 16 << 10}})
	running, stop := context.WithCancel(ctx)
	told, failed := make(chan string, 10), false
	alert := func(_ context.Context, alert notification.Alert) error {
		if !failed { // What could not be told is told later.
			failed = true
			return errors.New("nobody listens")
		}
		told <- alert.Title
		return nil
	}
	ended := make(chan error)
	go func() {
		settings := stream.RetentionSettings{Interval: 10 * time.Millisecond, Hurry: 5 * time.Millisecond}
		ended <- streams.RunRetention(running, settings, slog.New(slog.DiscardHandler), alert)
	}()
	publish(ctx, t, streams, 0, 1)
	half := int(0.85 / notificationsRoom(ctx, t, streams).Share)
	publish(ctx, t, streams, 1, half-1)
	expect(ctx, t, told, "stream NOTIFICATIONS is filling up")
	stored := fill(ctx, t, streams)
	expect(ctx, t, told, "stream NOTIFICATIONS is full")
	takeIn(ctx, t, streams, stored)
	expect(ctx, t, told, "stream NOTIFICATIONS has room again")
	publish(ctx, t, streams, stored, 1)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(told) > 0 {
		t.Errorf("and then told %q", <-told)
	}
}

func TestRetentionLogsAnOutageOnce(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	server := streamtest.Start(t)
	streams := server.Open(t, stream.Settings{})
	running, stop := context.WithCancel(t.Context()) // Without a deadline, as in a process.
	var lines lines
	ended := make(chan error)
	go func() {
		ended <- streams.RunRetention(running, stream.RetentionSettings{Interval: 50 * time.Millisecond},
			slog.New(slog.NewTextHandler(&lines, nil)), func(context.Context, notification.Alert) error { return nil })
	}()
	for range 2 {
		server.Stop()
		eventually(ctx, t, "the outage to be logged", func() bool { return strings.Contains(lines.String(), "in trouble") })
		server.Resume(t)
		eventually(ctx, t, "the end of the outage to be logged", func() bool { return strings.Contains(lines.String(), "works again") })
		if got := strings.Count(lines.String(), "\n"); got != 2 {
			t.Errorf("%d lines, want 2:\n%s", got, lines.String())
		}
		lines.reset()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// lines is a log that may be read while it is written.
type lines struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.buffer.Write(line)
}

func (l *lines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.buffer.String()
}

func (l *lines) reset() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.buffer.Reset()
}
