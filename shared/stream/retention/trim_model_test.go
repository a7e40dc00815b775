package retention_test

import (
	"context"
	"flag"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"pgregory.net/rapid"

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/stream/retention"
	"sluice.internal/shared/streamtest"
)

// TestNothingUnprocessedIsTrimmed lets a few messages go through all that can happen to them, in any order, and
// compares what is left after each pass with what somebody still needs.
func TestNothingUnprocessedIsTrimmed(t *testing.T) {
	t.Parallel()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == "100" { // Its default.
		if err := checks.Value.Set("8"); err != nil { // Each takes half a second.
			t.Fatal(err)
		}
	}
	server := streamtest.Start(t, func(options *streamtest.Options) { options.SyncAlways = false }) // No power is cut here.
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
	streams *streamtest.Streams
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
	ctx := streamtest.Context(t)
	wanted := []streamtest.Change{streamtest.Shards(modelShards), streamtest.Lanes(modelLanes), func(s *config.Streams) { s.Events.DuplicateWindow = shortWindow }}
	js := server.Open(t, wanted...).JetStream()
	for _, name := range []string{stream.Notifications, stream.Events} {
		if err := js.DeleteStream(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	m := &model{
		ctx: ctx, streams: server.Open(t, wanted...), needed: map[string]map[uint64]bool{},
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

func (m *model) trim(t *rapid.T) {
	_, err := retention.Trim(m.ctx, m.streams.Client, atOnce)
	check(t, err)
	first := map[bool]uint64{false: m.first(t, stream.Notifications), true: m.first(t, stream.Events)}
	for consumer, needed := range m.needed {
		for sequence := range needed {
			if isLane := !strings.HasPrefix(consumer, "shard-"); sequence < first[isLane] {
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
		_, err := m.streams.Group(m.ctx, consume.GroupSettings{Name: group})
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
	} else {
		options = append(options, jetstream.FetchPriorityGroup("owner"))
		unpin(m.ctx, t, m.streams, consumer)
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

func (m *model) first(t *rapid.T, name string) uint64 {
	opened, err := m.streams.JetStream().Stream(m.ctx, name)
	check(t, err)
	if deleted := opened.CachedInfo().State.NumDeleted; deleted > 0 {
		t.Fatalf("stream %s has %d gaps", name, deleted)
	}
	return opened.CachedInfo().State.FirstSeq
}

func check(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}
