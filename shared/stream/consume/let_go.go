package consume

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// LetGo returns, for each group, up to which sequence it has let go of the events of each lane. Groups without consumers are
// none.
func (s *Client) LetGo(ctx context.Context) (map[string][]uint64, error) {
	consumers, err := s.core.Consumers(ctx, stream.Events)
	if err != nil {
		return nil, err
	}
	groups := map[string][]uint64{}
	for name, own := range stream.GroupsOf(consumers) {
		floors := make([]uint64, s.lanes)
		for lane := range floors {
			// Several consumers may cover a lane while partitions take over from lanes; the one that is behind decides.
			covered := false
			for _, info := range own {
				if stream.CoversLane(info, lane) && (!covered || info.AckFloor.Stream < floors[lane]) {
					floors[lane], covered = info.AckFloor.Stream, true
				}
			}
		}
		groups[name] = floors
	}
	return groups, nil
}

// NextEvent returns the sequence of the first event of a lane from a sequence on, 0 when there is none.
func (s *Client) NextEvent(ctx context.Context, lane int, from uint64) (uint64, error) {
	opened, err := s.core.Stream(ctx, stream.Events)
	if err != nil {
		return 0, stream.Classify(err)
	}
	message, err := opened.GetMsg(ctx, max(from, 1), jetstream.WithGetMsgSubject("events."+strconv.Itoa(lane)+".>"))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("find the next event of lane %d: %w", lane, stream.Classify(err))
	}
	return message.Sequence, nil
}

const (
	// eventsAtOnce and eventBytes bound the answer to one request for events.
	eventsAtOnce = 256
	eventBytes   = 4 << 20
	// eventsTimeout bounds one request.
	eventsTimeout = 10 * time.Second
	// lastSequenceHeader is on each message of an answer: the sequence of the one before. Source: NATS ADR-31.
	lastSequenceHeader = "Nats-Last-Sequence"
)

// EachEvent calls visit with the stored events from a sequence on, up to the last that is there by now, and returns that one's
// sequence. It holds one answer of the server at a time. Errors: stream.ErrUnavailable.
func (s *Client) EachEvent(ctx context.Context, from uint64, visit func(*notification.Event)) (last uint64, err error) {
	opened, err := s.core.Stream(ctx, stream.Events)
	if err != nil {
		return 0, stream.Classify(err)
	}
	// The end does not move with what is stored meanwhile, or a busy stream would never end.
	last = opened.CachedInfo().State.LastSeq
	for next := max(from, opened.CachedInfo().State.FirstSeq, 1); next <= last; {
		read, err := s.someEvents(ctx, ">", next, visit)
		if err != nil {
			return last, err
		}
		if read == 0 {
			break // What is left was taken out in between.
		}
		next = read + 1
	}
	return last, nil
}

// someEvents reads one answer of the server without gaps, and returns the last sequence in it, 0 for none. After an error what was
// visited is still so.
func (s *Client) someEvents(ctx context.Context, subject string, from uint64, visit func(*notification.Event)) (read uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, eventsTimeout)
	defer cancel()
	messages, err := jetstreamext.GetBatch(ctx, s.js, stream.Events, eventsAtOnce,
		jetstreamext.GetBatchSeq(from), jetstreamext.GetBatchSubject(subject), jetstreamext.GetBatchMaxBytes(eventBytes))
	if err != nil {
		return 0, fmt.Errorf("read events from %d on: %w", from, stream.Classify(err))
	}
	for message, err := range messages {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return read, nil
		}
		if err != nil {
			return read, fmt.Errorf("read events from %d on: %w", from, stream.Classify(err))
		}
		// Where the connection fell meanwhile, the middle of an answer may be missing.
		if message.Header.Get(lastSequenceHeader) != strconv.FormatUint(read, 10) {
			return read, nil
		}
		event := wire.ReadEvent(message.Subject, message.Header, message.Data, message.Sequence)
		visit(&event)
		read = message.Sequence
	}
	return read, nil
}
