package retention_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"pgregory.net/rapid"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

func intakeOf(shard int) string { return fmt.Sprintf("shard-%d", shard) }

// laneOf is the partition of a lane: there are as many as lanes.
func laneOf(group string, lane int) string { return fmt.Sprintf("%s-p%d", group, lane) }

func (m *model) publish(t *rapid.T) {
	m.next++
	n := streamtest.Notification(m.next)
	n.Instance = rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(t, "instance")
	sequence, err := m.streams.PublishNotification(m.ctx, &n)
	check(t, err)
	event := streamtest.Event(m.streams, m.next)
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

var modelGroups = rapid.SampledFrom([]string{"a", "b"})

func (m *model) makeGroup(t *rapid.T) {
	group := modelGroups.Draw(t, "group")
	if m.complete[group] {
		return
	}
	_, err := m.streams.Group(m.ctx, consume.GroupSettings{Name: group})
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
	unpin(m.ctx, t, m.streams, name)
	batch, err := consumer.Fetch(1, jetstream.FetchMaxWait(5*time.Millisecond), jetstream.FetchPriorityGroup("owner"))
	check(t, err)
	m.hold(t, name, batch)
}

// unpin lets whoever asks next become a partition's owner.
func unpin(ctx context.Context, t *rapid.T, streams *streamtest.Streams, name string) {
	opened, err := streams.JetStream().Stream(ctx, stream.Events)
	check(t, err)
	check(t, opened.UnpinConsumer(ctx, name, "owner"))
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
