package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// Inspect is Status with what takes longer to find out: what is parked and dead, and since when the oldest waits. A
// million parked events cost it a good part of a second. A stream that does not answer is in trouble and no error.
func (s *Client) Inspect(ctx context.Context) (Status, error) {
	status := Status{At: time.Now()}
	asked := make(chan []stream.WorkerState, 1)
	go func() {
		states, _ := s.Workers(ctx) // Where nobody answers nothing is known of them.
		asked <- states
	}()
	parts := s.lookAtAll(ctx)
	states := <-asked
	for _, part := range parts {
		status.Streams = append(status.Streams, part.Streams...)
		status.Groups = append(status.Groups, part.Groups...)
		if part.Intake.Name != "" {
			status.Intake = part.Intake
		}
	}
	if ctx.Err() != nil {
		return Status{}, context.Cause(ctx)
	}
	status.addWorkers(states)
	for _, inspect := range []func(context.Context, *Status) error{s.inspectIntake, s.inspectGroups} {
		if err := inspect(ctx, &status); err != nil {
			return Status{}, err
		}
	}
	return status, nil
}

// lookAtAll looks at all streams at the same time, since each without a leader takes until the deadline.
func (s *Client) lookAtAll(ctx context.Context) []Status {
	ctx, cancel := context.WithTimeout(ctx, stream.LookTimeout)
	defer cancel()
	parts := make([]Status, len(watched()))
	var group sync.WaitGroup
	for i, name := range watched() {
		group.Go(func() {
			part := &parts[i]
			err := part.addStream(ctx, s, name)
			if err == nil {
				return
			}
			if len(part.Streams) == 0 {
				part.Streams = []Usage{{Name: name}}
			}
			part.Streams[0].Silent, part.Streams[0].Trouble = true, fmt.Sprintf("it does not answer: %v", err)
		})
	}
	group.Wait()
	return parts
}

// answers reports whether a stream is there, well, and was ever used.
func (status *Status) answers(name string) bool {
	return slices.ContainsFunc(status.Streams, func(u Usage) bool { return u.Name == name && !u.Silent && u.LastSequence > 0 })
}

// inspectIntake adds since when the oldest notification waits, and how many were found invalid.
func (s *Client) inspectIntake(ctx context.Context, status *Status) (err error) {
	if status.answers(stream.Notifications) {
		queues, err := s.intakeQueues(ctx)
		if err != nil {
			return err
		}
		if status.Intake.Oldest, err = oldest(ctx, queues); err != nil {
			return err
		}
		status.Intake.Holds = status.Intake.Oldest
	}
	if status.answers(stream.DeadLetters) {
		status.Intake.Dead, err = s.count(ctx, stream.DeadLetters, "dead.*.*.*."+wire.Token(""))
	}
	return err
}

// inspectGroups adds to each group what it holds, what is due, parked and dead. A stream that is in trouble is left out.
func (s *Client) inspectGroups(ctx context.Context, status *Status) error {
	if len(status.Groups) == 0 {
		return nil
	}
	events, consumers, err := s.withConsumers(ctx, stream.Events)
	if err != nil {
		return err
	}
	groups := stream.GroupsOf(consumers)
	var retries jetstream.Stream
	var due map[string][]*jetstream.ConsumerInfo
	if status.answers(stream.Retries) {
		if retries, consumers, err = s.withConsumers(ctx, stream.Retries); err != nil {
			return err
		}
		due = stream.GroupsOf(consumers)
	}
	if err := s.addAsides(ctx, status); err != nil {
		return err
	}
	for i := range status.Groups {
		group := &status.Groups[i]
		group.Incomplete = s.lacksLane(groups[group.Name])
		if err := inspectGroup(ctx, group, queuesOf(events, groups[group.Name]), queuesOf(retries, due[group.Name])); err != nil {
			return err
		}
		if err := s.countAside(ctx, status, group); err != nil {
			return err
		}
	}
	return nil
}

// lacksLane reports whether some lane has none of the consumers: its events are handed to nobody, and wait without being
// counted.
func (s *Client) lacksLane(consumers []*jetstream.ConsumerInfo) bool {
	for lane := range s.lanes {
		if !slices.ContainsFunc(consumers, func(info *jetstream.ConsumerInfo) bool { return stream.CoversLane(info, lane) }) {
			return true
		}
	}
	return false
}

func inspectGroup(ctx context.Context, group *Backlog, fresh, due []queue) (err error) {
	if group.Holds, err = oldest(ctx, fresh); err != nil {
		return err
	}
	since, err := oldest(ctx, due)
	if err != nil {
		return err
	}
	group.Oldest = earlier(group.Holds, since)
	for _, q := range due {
		group.Due += q.todo
	}
	return nil
}

// countAside counts what is parked and dead.
func (s *Client) countAside(ctx context.Context, status *Status, group *Backlog) (err error) {
	if status.answers(stream.Retries) {
		if group.Parked, err = s.count(ctx, stream.Retries, "retry."+group.Name+".>"); err != nil {
			return err
		}
	}
	if status.answers(stream.DeadLetters) {
		group.Dead, err = s.count(ctx, stream.DeadLetters, "dead.*.*.*."+wire.Token(group.Name))
	}
	return err
}

// DeadSince counts the dead letters that were stored since a time and are still there.
func (s *Client) DeadSince(ctx context.Context, since time.Time) (uint64, error) {
	return s.countSince(ctx, stream.DeadLetters, since)
}

// queue is how far a consumer is.
type queue struct {
	stream        jetstream.Stream
	filter, group string
	// done is the sequence up to which everything was processed, handed that up to which it was handed out.
	done, handed, todo uint64
}

// queuesOf are the queues of a group's consumers that have something to do.
func queuesOf(opened jetstream.Stream, consumers []*jetstream.ConsumerInfo) []queue {
	var queues []queue
	for _, info := range consumers {
		todo := info.NumPending + uint64(info.NumAckPending) //nolint:gosec // Not negative.
		if todo == 0 {
			continue
		}
		for _, filter := range stream.FiltersOf(info) {
			queues = append(queues, queue{
				stream: opened, filter: filter, group: info.Config.Metadata[wire.MetadataGroup],
				done: info.AckFloor.Stream, handed: info.Delivered.Stream, todo: todo,
			})
		}
	}
	return queues
}

// withConsumers opens a stream and lists its consumers, within stream.LookTimeout.
func (s *Client) withConsumers(ctx context.Context, name string) (jetstream.Stream, []*jetstream.ConsumerInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, stream.LookTimeout)
	defer cancel()
	opened, err := s.core.Stream(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	consumers, err := stream.ListConsumers(ctx, opened)
	return opened, consumers, err
}

// intakeQueues are the queues of the shards that have something to do, also of those that nobody has opened yet.
func (s *Client) intakeQueues(ctx context.Context) ([]queue, error) {
	opened, consumers, err := s.withConsumers(ctx, stream.Notifications)
	if err != nil {
		return nil, err
	}
	var queues []queue
	for shard := range s.shards {
		i := slices.IndexFunc(consumers, func(info *jetstream.ConsumerInfo) bool { return info.Name == wire.IntakeName(shard) })
		if i < 0 {
			queues = append(queues, queue{stream: opened, filter: "in." + strconv.Itoa(shard) + ".>"})
			continue
		}
		queues = append(queues, queuesOf(opened, consumers[i:i+1])...)
	}
	return queues, nil
}

// oldest returns when the oldest message was stored that is not processed, zero when there is none. The queues are of
// one stream.
func oldest(ctx context.Context, queues []queue) (since time.Time, err error) {
	queues = slices.SortedFunc(slices.Values(queues), func(a, b queue) int { return cmp.Compare(a.done, b.done) })
	first := uint64(0)
	for _, q := range queues {
		if first > 0 && q.done+1 >= first {
			break // It has nothing older, nor have those after it.
		}
		message, err := firstFrom(ctx, q.stream, q.filter, q.done+1)
		if err != nil {
			return time.Time{}, err
		}
		if message != nil && (first == 0 || message.Sequence < first) {
			first, since = message.Sequence, message.Time
		}
	}
	return since, nil
}

// earlier returns the earlier of two times, where the zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
