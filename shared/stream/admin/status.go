package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// Status says how full the streams are and what is not processed yet.
type Status struct {
	Streams []Usage
	Intake  Backlog
	Groups  []Backlog
	// At is when this was so.
	At time.Time
}

// Usage is how full a stream is, as its leader says. Sizes are in bytes, with headers and what the server adds.
type Usage struct {
	Name            string
	Messages, Bytes uint64
	// MaxBytes is the most it may hold, -1 where nothing bounds it.
	MaxBytes int64
	// LastSequence counts what was ever stored.
	LastSequence uint64
	// Window is for how long ids are remembered. What is younger stays in EVENTS whatever happens.
	Window time.Duration
	// MaxAge is the age at which a message goes whether it is processed or not, 0 where there is none.
	MaxAge time.Duration
	// Trouble says what is wrong with its replicas, empty when nothing is.
	Trouble string
	// Silent says that it did not answer everything, so that who has to process what is in it is not known.
	Silent bool
	// First and Last are when the oldest and the newest message were stored, zero in an empty stream.
	First, Last time.Time
}

// Backlog is what a consumer, or all of a group's together, has still to do.
type Backlog struct {
	// Name is the group's, or "intake".
	Name string
	// Waiting counts what was not handed out yet, UnderWay what was and is not acknowledged.
	Waiting, UnderWay uint64
	// Workers is how many work on it, as far as that is known: the intake's is the most that are asking one of its consumers,
	// and so is a group's without Inspect.
	Workers int
	// Partitions is how many consumers the workers of an ordered group share, of what is new.
	Partitions int
	// Unordered and Types are how the group was made; no types means all.
	Unordered bool
	Types     []string

	// The rest is found out by Inspect alone.

	// Members are the group's workers, as they told.
	Members []stream.WorkerState
	// Parked counts the group's events that wait for the time of their next attempt, Due those whose time has come
	// and those that are handed over again. Both are beside Waiting and UnderWay.
	Parked, Due uint64
	// Aside are the group's chats of which more waits than a worker holds. Waiting counts what is aside of them too.
	Aside []stream.Aside
	// Dead counts the dead letters that it left.
	Dead uint64
	// Oldest is when the oldest was stored, or became due, that is not processed and not parked; zero when there
	// is none. Holds is that without what is due: what is as old and older must stay in the stream.
	Oldest, Holds time.Time
	// Incomplete says that the group lacks consumers, so that some events are not even counted as waiting.
	Incomplete bool
}

// watched are the streams that Status looks at.
func watched() []string {
	return []string{stream.Notifications, stream.Events, stream.Retries, stream.DeadLetters, stream.Rejections, stream.Alerts, stream.Operations, stream.Objects, stream.Positions, stream.Replies, stream.States}
}

// Status looks at all streams and consumers once, one after the other. A stream that is not there is left out; one that
// does not answer is an error, other than with Inspect.
func (s *Client) Status(ctx context.Context) (Status, error) {
	status := Status{At: time.Now()}
	for _, name := range watched() {
		if err := status.addStream(ctx, s, name); err != nil {
			return Status{}, err
		}
	}
	return status, nil
}

// addStream adds a stream, if it is there, and who processes what is in it.
func (status *Status) addStream(ctx context.Context, s *Client, name string) error {
	opened, err := s.core.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	status.Streams = append(status.Streams, UsageOf(opened.CachedInfo()))
	return status.addConsumers(ctx, opened)
}

// BacklogsOf returns who has still to process messages of a stream, and how many: the groups of EVENTS, the intake of
// NOTIFICATIONS. Those who have nothing to do are left out.
func BacklogsOf(ctx context.Context, opened jetstream.Stream) ([]Backlog, error) {
	var status Status
	if err := status.addConsumers(ctx, opened); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(append(status.Groups, status.Intake), func(b Backlog) bool { return b.Unprocessed() == 0 }), nil
}

// Unprocessed counts what waits and what is under way.
func (b Backlog) Unprocessed() uint64 { return b.Waiting + b.UnderWay }

// addConsumers adds what the consumers of NOTIFICATIONS or EVENTS have still to do. Those of other streams are nobody's
// backlog.
func (status *Status) addConsumers(ctx context.Context, opened jetstream.Stream) error {
	if name := opened.CachedInfo().Config.Name; name != stream.Notifications && name != stream.Events {
		return nil
	}
	consumers, err := stream.ListConsumers(ctx, opened)
	if err != nil {
		return err
	}
	if opened.CachedInfo().Config.Name == stream.Notifications {
		consumers = slices.DeleteFunc(consumers, isNoIntake)
		status.Intake = backlog("intake", consumers)
		return status.addUnopened(ctx, opened, consumers)
	}
	groups := stream.GroupsOf(consumers)
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		status.Groups = append(status.Groups, backlog(name, groups[name]))
	}
	return nil
}

// isNoIntake reports whether a consumer of notifications was made by somebody who just looks at them, or was that of a version
// before.
func isNoIntake(info *jetstream.ConsumerInfo) bool {
	return !slices.Contains(info.Config.PriorityGroups, wire.IntakeGroup) || stream.IsRetired(info)
}

// addUnopened counts the notifications of shards that no worker has opened yet: without a consumer nothing counts
// as waiting.
func (status *Status) addUnopened(ctx context.Context, opened jetstream.Stream, consumers []*jetstream.ConsumerInfo) error {
	shards, _ := strconv.Atoi(opened.CachedInfo().Config.Metadata[wire.MetadataShards]) // Checked when it was opened.
	for shard := range shards {
		if slices.ContainsFunc(consumers, func(info *jetstream.ConsumerInfo) bool { return info.Name == wire.IntakeName(shard) }) {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, countTimeout)
		info, err := opened.Info(bounded, jetstream.WithSubjectFilter("in."+strconv.Itoa(shard)+".>"))
		cancel()
		if err != nil {
			return fmt.Errorf("count shard %d: %w", shard, err)
		}
		for _, count := range info.State.Subjects {
			status.Intake.Waiting += count
		}
	}
	return nil
}

// UsageOf returns how full a stream is.
func UsageOf(info *jetstream.StreamInfo) Usage {
	u := Usage{
		Name: info.Config.Name, Messages: info.State.Msgs, Bytes: info.State.Bytes, MaxBytes: info.Config.MaxBytes,
		MaxAge: info.Config.MaxAge,
	}
	u.LastSequence, u.Window, u.Trouble = info.State.LastSeq, info.Config.Duplicates, troubleOf(info)
	if u.Name == stream.Retries {
		u.MaxBytes = stream.RetriesQuota(info.Config)
	}
	if u.Messages > 0 {
		u.First, u.Last = info.State.FirstTime, info.State.LastTime
	}
	return u
}

// troubleOf says, in words for the operator, which replicas of a stream are missing.
func troubleOf(info *jetstream.StreamInfo) string {
	if info.Cluster == nil || info.Config.Replicas < 2 {
		return ""
	}
	var missing []string
	for _, replica := range info.Cluster.Replicas {
		switch {
		case replica.Offline:
			missing = append(missing, fmt.Sprintf("the replica on %q is offline", replica.Name))
		case !replica.Current:
			missing = append(missing, fmt.Sprintf("the replica on %q is behind", replica.Name))
		}
	}
	if info.Cluster.Leader == "" {
		missing = append(missing, "it has no leader")
	}
	if lacks := info.Config.Replicas - len(info.Cluster.Replicas) - 1; lacks > 0 {
		missing = append(missing, fmt.Sprintf("%d of its %d replicas have no server", lacks, info.Config.Replicas))
	}
	return strings.Join(missing, ", ")
}

// isOwned reports whether a consumer has chosen a worker as its owner.
func isOwned(info *jetstream.ConsumerInfo) bool {
	return slices.Contains(info.Config.PriorityGroups, wire.OwnerGroup) && slices.ContainsFunc(info.PriorityGroups, func(group jetstream.PriorityGroupState) bool { return group.PinnedClientID != "" })
}

// backlog sums what the consumers of one group, or of all shards, have to do.
func backlog(name string, consumers []*jetstream.ConsumerInfo) Backlog {
	b := Backlog{Name: name}
	for _, info := range consumers {
		b.Waiting += info.NumPending
		b.UnderWay += uint64(info.NumAckPending) //nolint:gosec // Not negative.
		b.Workers = max(b.Workers, info.NumWaiting)
		if slices.Contains(info.Config.PriorityGroups, wire.OwnerGroup) {
			b.Partitions++
		}
		if isOwned(info) {
			b.Workers = max(b.Workers, 1) // The owner may ask for nothing at the moment.
		}
		b.Unordered = b.Unordered || info.Name == name+wire.UnorderedSuffix
		if types := info.Config.Metadata[wire.MetadataTypes]; types != "" && types != wire.AllTypes {
			b.Types = strings.Split(types, ",")
		}
	}
	return b
}
