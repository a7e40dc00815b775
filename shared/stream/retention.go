package stream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/config"
)

// Keep is how long messages stay after they were processed, counted from when they were stored. Zero means the
// default: 24 h for notifications, 7 days for events. Events stay for the stream's duplicate window at least.
type Keep struct{ Notifications, Events time.Duration }

// KeepFrom is how long the configuration wants processed messages to stay.
func KeepFrom(streams config.Streams) Keep {
	return Keep{Notifications: streams.Notifications.Keep, Events: streams.Events.Keep}
}

// Trimmed says what a pass took out of the streams.
type Trimmed struct{ Notifications, Events Cut }

// Cut is what a pass took out of one stream.
type Cut struct {
	Messages uint64
	// Bytes is about how many, since the server tells only the messages.
	Bytes uint64
	// First is when the oldest message was stored that is left, zero in an empty stream.
	First time.Time
	// HeldBy names who has not processed a message that would have gone, empty when nobody.
	HeldBy string
	// Early says that messages went that were to be kept longer, for lack of room.
	Early bool
}

const (
	defaultKeepNotifications = 24 * time.Hour
	defaultKeepEvents        = week

	// pressedAt is the share of a stream's room from which on processed messages go early, and easedAt the share
	// that is aimed at.
	pressedAt = 0.90
	easedAt   = 0.80
	// easeSteps is how often at most a pass takes messages out for lack of room. How large they are is known on
	// the average only, so each step takes out three quarters of what seems to be too much.
	easeSteps = 3
	// worthwhile is the part of a stream, one in so many messages, that has to be over its time before it is taken
	// out. A purge stops all writing for a moment that depends little on how much it takes out: 20 to 200 ms with
	// one group, half a second with ten.
	worthwhile = 200

	lookTimeout  = 5 * time.Second
	purgeTimeout = 30 * time.Second
)

// Trim takes out of NOTIFICATIONS and EVENTS what is processed and was kept long enough, oldest first. When a
// stream has nearly no room left, what is processed goes earlier: notifications at any age, events when they are
// older than the duplicate window. What is not processed stays, whatever the room: a notification until the intake
// of its shard has acknowledged it, an event until every group has. A shard that was never taken in and a group
// that lacks a lane have processed nothing, and without any group every event stays.
//
// A group that is made while a pass runs may find that messages go which it has not seen, as if it had been made
// just after. Any number of processes may run passes at the same time.
func (s *Streams) Trim(ctx context.Context, keep Keep) (Trimmed, error) {
	var trimmed Trimmed
	var notifications, events error
	trimmed.Notifications, notifications = s.trim(ctx, Notifications, or(keep.Notifications, defaultKeepNotifications))
	trimmed.Events, events = s.trim(ctx, Events, or(keep.Events, defaultKeepEvents))
	return trimmed, errors.Join(notifications, events)
}

func (s *Streams) trim(ctx context.Context, name string, keep time.Duration) (Cut, error) {
	opened, err := s.js.Stream(ctx, name)
	if err != nil {
		return Cut{}, fmt.Errorf("open stream %s: %w", name, err)
	}
	t := &trimming{streams: s, opened: opened, name: name, info: opened.CachedInfo()}
	cut, err := t.run(ctx, keep)
	if err != nil {
		return cut, fmt.Errorf("trim stream %s: %w", name, err)
	}
	return cut, nil
}

// trimming is a pass over one stream.
type trimming struct {
	streams *Streams
	opened  jetstream.Stream
	name    string
	// info is the stream as it was before anything else was looked at: what is stored later is left alone.
	info *jetstream.StreamInfo
}

func (t *trimming) run(ctx context.Context, keep time.Duration) (Cut, error) {
	window := t.window()
	aged, err := t.firstSince(ctx, max(keep, window))
	if err != nil {
		return Cut{}, err
	}
	limit, pressed := aged, t.isPressed()
	switch {
	case pressed:
		if limit, err = t.firstSince(ctx, window); err != nil {
			return Cut{}, err
		}
	case !t.isWorthwhile(aged):
		return Cut{First: t.info.State.FirstTime}, nil
	}
	limit, holder, err := t.unprocessed(ctx, limit)
	if err != nil {
		return Cut{}, err
	}
	cut := Cut{HeldBy: holder}
	if until := min(aged, limit); t.isWorthwhile(until) {
		err = t.purge(ctx, until, &cut)
	}
	if err == nil && pressed {
		err = t.ease(ctx, limit, &cut)
	}
	cut.First = t.info.State.FirstTime
	return cut, err
}

// window is the age below which nothing is taken out. The server knows the ids of events after a restart only as
// long as the events are stored.
func (t *trimming) window() time.Duration {
	if t.name == Events {
		return t.info.Config.Duplicates
	}
	return 0
}

func (t *trimming) isPressed() bool {
	return share(t.info.State.Bytes, t.info.Config.MaxBytes) > pressedAt
}

func (t *trimming) isWorthwhile(until uint64) bool {
	first := t.info.State.FirstSeq
	return until > first && (until-first)*worthwhile >= t.info.State.Msgs
}

// firstSince returns the first sequence that is no older than the age by the server's clock. The newest message
// counts as young, unless no age is asked for: while one is stored, a restarted server sees in the data which
// sequence was the last.
func (t *trimming) firstSince(ctx context.Context, age time.Duration) (uint64, error) {
	state, since := t.info.State, t.info.TimeStamp.Add(-age)
	switch {
	case state.Msgs == 0 || !state.FirstTime.Before(since):
		return state.FirstSeq, nil
	case age == 0:
		return state.LastSeq + 1, nil
	case state.LastTime.Before(since):
		return state.LastSeq, nil
	}
	found, err := t.look(ctx, lookup{Since: &since, Subject: ">"})
	if err != nil {
		return 0, fmt.Errorf("find the first message since %s: %w", since.Format(time.RFC3339), err)
	}
	return min(found, state.LastSeq), nil
}

// ease takes messages below the limit out until there is room again.
func (t *trimming) ease(ctx context.Context, limit uint64, cut *Cut) error {
	for range easeSteps {
		state := t.info.State
		excess := float64(state.Bytes) - easedAt*float64(t.info.Config.MaxBytes)
		if excess <= 0 || state.FirstSeq >= limit {
			return nil
		}
		step := excess * 3 / 4 * float64(state.Msgs) / float64(state.Bytes)
		cut.Early = true
		if err := t.purge(ctx, min(state.FirstSeq+uint64(step)+1, limit), cut); err != nil {
			return err
		}
	}
	return nil
}

// purge takes out all messages before a sequence.
func (t *trimming) purge(ctx context.Context, until uint64, cut *Cut) error {
	before := t.info.State
	if until <= before.FirstSeq {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	var answer struct {
		Purged uint64 `json:"purged"`
	}
	if err := t.ask(ctx, "STREAM.PURGE.", jetstream.StreamPurgeRequest{Sequence: until}, &answer); err != nil {
		return fmt.Errorf("purge up to message %d: %w", until, err)
	}
	cut.Messages += answer.Purged
	cut.Bytes += answer.Purged * (before.Bytes / max(before.Msgs, 1))
	info, err := t.opened.Info(ctx)
	if err != nil {
		return fmt.Errorf("look at it after a purge: %w", err)
	}
	t.info = info
	return nil
}

// duty is a consumer that has to process messages before they may go.
type duty struct {
	info   *jetstream.ConsumerInfo
	holder string // whose it is, for people
}

// unprocessed returns the first sequence below the limit that somebody has not processed, and who; the limit when
// there is none.
func (t *trimming) unprocessed(ctx context.Context, limit uint64) (first uint64, holder string, err error) {
	consumers, err := t.consumers(ctx)
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

// consumers returns all consumers of the stream. In a cluster the list leaves out who does not answer, and what
// such a consumer has not processed must not go, so that it is an error.
func (t *trimming) consumers(ctx context.Context) ([]*jetstream.ConsumerInfo, error) {
	silent := map[string]bool{}
	lister := t.opened.ConsumerNames(ctx)
	for name := range lister.Name() {
		silent[name] = true
	}
	if err := lister.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return nil, fmt.Errorf("list names of consumers: %w", err)
	}
	var consumers []*jetstream.ConsumerInfo
	list := t.opened.ListConsumers(ctx)
	for info := range list.Info() {
		delete(silent, info.Name)
		consumers = append(consumers, info)
	}
	if err := list.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return nil, fmt.Errorf("list consumers: %w", err)
	}
	for _, name := range names(silent) {
		consumer, err := t.opened.Consumer(ctx, name)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			continue // It was deleted in between.
		}
		if err != nil {
			return nil, fmt.Errorf("open consumer %s: %w", name, err)
		}
		consumers = append(consumers, consumer.CachedInfo())
	}
	return consumers, nil
}

// lookup asks for the first message of a subject from a sequence or a time on.
type lookup struct {
	From      uint64     `json:"seq,omitempty"`
	Since     *time.Time `json:"start_time,omitempty"`
	Subject   string     `json:"next_by_subj"`
	NoHeaders bool       `json:"no_hdr"`
}

// look returns the sequence of what was asked for, or jetstream.ErrMsgNotFound. It asks the stream's leader: the
// client's own methods may ask another server of the cluster, which may not have heard of the message yet.
func (t *trimming) look(ctx context.Context, wanted lookup) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	wanted.NoHeaders = true
	var answer struct {
		Message struct {
			Sequence uint64 `json:"seq"`
		} `json:"message"`
	}
	if err := t.ask(ctx, "STREAM.MSG.GET.", wanted, &answer); err != nil {
		return 0, err
	}
	if answer.Message.Sequence == 0 {
		return 0, jetstream.ErrInvalidJetStreamResponse
	}
	return answer.Message.Sequence, nil
}

// ask sends a request of the server's API about the stream, for what the client has no method or hides the answer.
// Source: NATS, JetStream wire API reference.
func (t *trimming) ask(ctx context.Context, method string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	reply, err := t.streams.js.Conn().RequestWithContext(ctx, jetstream.DefaultAPIPrefix+method+t.name, body)
	if err != nil {
		return err
	}
	var failure struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &failure); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if failure.Error != nil {
		return failure.Error
	}
	return json.Unmarshal(reply.Data, answer)
}
