package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// duty is a consumer that has to process messages before they may go.
type duty struct {
	info   *jetstream.ConsumerInfo
	holder string // whose it is, for people
}

// unprocessed returns the first sequence below the limit that somebody has not processed, and who; the limit when
// there is none.
func (t *trimming) unprocessed(ctx context.Context, limit uint64) (first uint64, holder string, err error) {
	consumers, err := listConsumers(ctx, t.opened)
	if err != nil {
		return 0, "", err
	}
	duties, missing := t.duties(consumers)
	if missing != "" {
		return t.info.State.FirstSeq, missing, nil
	}
	// Who is farthest behind comes first: it is the one that spares looking for the others' messages.
	slices.SortFunc(duties, func(a, b duty) int { return cmp.Compare(a.info.AckFloor.Stream, b.info.AckFloor.Stream) })
	for _, d := range duties {
		open, err := t.firstOpen(ctx, d.info, limit)
		if err != nil {
			return 0, "", err
		}
		if open < limit {
			limit, holder = open, d.holder
		}
	}
	return limit, holder, nil
}

// firstOpen returns the first sequence below the limit that a consumer has not processed, else the limit.
//
// Everything for it up to its acknowledgement floor is processed, but the floor moves only over messages that it
// was handed, so that of a lane where nothing happens stays behind. Hence the stream is asked for the next message
// behind the floor that is for it. The consumer's count of what is waiting would not do: the server adds a message
// to it some time after the message is stored. It serves as a witness, since the server says that there is no such
// message also when it could not read it.
func (t *trimming) firstOpen(ctx context.Context, info *jetstream.ConsumerInfo, limit uint64) (uint64, error) {
	from := max(info.AckFloor.Stream+1, t.info.State.FirstSeq)
	if from >= limit {
		return limit, nil
	}
	for _, filter := range filters(info) {
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

// duties returns the consumers whose messages must stay until they are processed, or who is missing that would
// have one.
func (t *trimming) duties(consumers []*jetstream.ConsumerInfo) (duties []duty, missing string) {
	if t.name == Notifications {
		return t.intakes(consumers)
	}
	groups := groupsOf(consumers)
	if len(groups) == 0 {
		return nil, "all groups that may come, since there is none yet"
	}
	for _, name := range names(groups) {
		holder := fmt.Sprintf("group %q", name)
		for lane := range t.streams.lanes {
			if !slices.ContainsFunc(groups[name], func(info *jetstream.ConsumerInfo) bool { return covers(info, lane) }) {
				return nil, holder + ", which lacks lane " + strconv.Itoa(lane)
			}
		}
		for _, info := range groups[name] {
			duties = append(duties, duty{info, holder})
		}
	}
	for _, info := range consumers {
		if isOurs(info) && info.Config.Metadata[metadataGroup] == "" {
			duties = append(duties, duty{info, fmt.Sprintf("consumer %q", info.Name)})
		}
	}
	return duties, ""
}

func (t *trimming) intakes(consumers []*jetstream.ConsumerInfo) (duties []duty, missing string) {
	for shard := range t.streams.shards {
		holder := "the intake of shard " + strconv.Itoa(shard)
		i := slices.IndexFunc(consumers, func(info *jetstream.ConsumerInfo) bool { return info.Name == intakeName(shard) })
		if i < 0 {
			return nil, holder + ", which never ran"
		}
		duties = append(duties, duty{consumers[i], holder})
	}
	return duties, ""
}

// isOurs tells whether a consumer was made to process messages and not just to look at them.
func isOurs(info *jetstream.ConsumerInfo) bool {
	for key := range info.Config.Metadata {
		if strings.HasPrefix(key, "sluice.") {
			return true
		}
	}
	return false
}

// covers tells whether a consumer gets all events of a lane.
func covers(info *jetstream.ConsumerInfo, lane int) bool {
	return slices.ContainsFunc(filters(info), func(filter string) bool {
		return filter == ">" || filter == "events.>" || filter == "events."+strconv.Itoa(lane)+".>"
	})
}

// filters are the subjects that a consumer gets.
func filters(info *jetstream.ConsumerInfo) []string {
	switch {
	case info.Config.FilterSubject != "":
		return []string{info.Config.FilterSubject}
	case len(info.Config.FilterSubjects) > 0:
		return info.Config.FilterSubjects
	default:
		return []string{">"}
	}
}
