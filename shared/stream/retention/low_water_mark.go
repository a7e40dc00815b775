package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// obligation is a consumer that has to process messages before they may go.
type obligation struct {
	info   *jetstream.ConsumerInfo
	holder string // whose it is, for people
}

// lowWaterMark returns the first sequence below the limit that somebody has not processed, and who; the limit when
// there is none.
func (t *trimming) lowWaterMark(ctx context.Context, limit uint64) (first uint64, holder string, err error) {
	consumers, err := stream.ListConsumers(ctx, t.opened)
	if err != nil {
		return 0, "", err
	}
	owed, missing := t.obligations(consumers)
	if missing != "" {
		return t.info.State.FirstSeq, missing, nil
	}
	// Who is farthest behind comes first: it is the one that spares looking for the others' messages.
	slices.SortFunc(owed, func(a, b obligation) int { return cmp.Compare(a.info.AckFloor.Stream, b.info.AckFloor.Stream) })
	for _, obligation := range owed {
		open, err := t.firstUnprocessed(ctx, obligation.info, limit)
		if err != nil {
			return 0, "", err
		}
		if open < limit {
			limit, holder = open, obligation.holder
		}
	}
	return limit, holder, nil
}

// firstUnprocessed returns the first sequence below the limit that a consumer has not processed, else the limit.
//
// Everything for it up to its acknowledgement floor is processed, but the floor moves only over messages that it
// was handed, so that of a lane where nothing happens stays behind. Hence the stream is asked for the next message
// behind the floor that is for it. The consumer's count of what is waiting would not do: the server adds a message
// to it some time after the message is stored. It serves as a witness, since the server says that there is no such
// message also when it could not read it.
func (t *trimming) firstUnprocessed(ctx context.Context, info *jetstream.ConsumerInfo, limit uint64) (uint64, error) {
	from := max(info.AckFloor.Stream+1, t.info.State.FirstSeq)
	if from >= limit {
		return limit, nil
	}
	for _, filter := range stream.FiltersOf(info) {
		next, err := t.look(ctx, lookup{From: from, Subject: filter})
		switch {
		case err == nil:
			limit = min(limit, next)
		case !errors.Is(err, jetstream.ErrMsgNotFound):
			return 0, fmt.Errorf("find the next message of consumer %s: %w", info.Name, err)
		case info.NumPending > 0 || info.NumAckPending > 0:
			return from, nil
		}
	}
	return limit, nil
}

// obligations returns the consumers whose messages must stay until they are processed, or who is missing that would
// have one.
func (t *trimming) obligations(consumers []*jetstream.ConsumerInfo) (owed []obligation, missing string) {
	if t.name == stream.Notifications {
		return t.intakeObligations(consumers)
	}
	groups := stream.GroupsOf(consumers)
	if len(groups) == 0 {
		return nil, "all groups that may come, since there is none yet"
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		holder := fmt.Sprintf("group %q", name)
		for lane := range t.lanes {
			if !slices.ContainsFunc(groups[name], func(info *jetstream.ConsumerInfo) bool { return stream.CoversLane(info, lane) }) {
				return nil, holder + ", which lacks lane " + strconv.Itoa(lane)
			}
		}
		for _, info := range groups[name] {
			owed = append(owed, obligation{info, holder})
		}
	}
	for _, info := range consumers {
		if isOurs(info) && info.Config.Metadata[wire.MetadataGroup] == "" {
			owed = append(owed, obligation{info, fmt.Sprintf("consumer %q", info.Name)})
		}
	}
	return owed, ""
}

// intakeObligations are those of NOTIFICATIONS: each shard is taken in by one consumer, whichever worker has it.
func (t *trimming) intakeObligations(consumers []*jetstream.ConsumerInfo) (owed []obligation, missing string) {
	for shard := range t.shards {
		holder := "the intake of shard " + strconv.Itoa(shard)
		i := slices.IndexFunc(consumers, func(info *jetstream.ConsumerInfo) bool { return info.Name == wire.IntakeName(shard) })
		if i < 0 {
			return nil, holder + ", which never ran"
		}
		owed = append(owed, obligation{consumers[i], holder})
	}
	return owed, ""
}

// isOurs reports whether a consumer was made to process messages and not just to look at them.
func isOurs(info *jetstream.ConsumerInfo) bool {
	for key := range info.Config.Metadata {
		if strings.HasPrefix(key, "sluice.") {
			return true
		}
	}
	return false
}
