package consume

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

const (
	// suspectFrom is how many times something was handed out when it becomes a suspect: twice nobody said what became of it.
	suspectFrom = 3
	// maxOpen bounds how many processes a mark names.
	maxOpen = 16
	// overtakenPause is how long to wait before a mark is read again that somebody else wrote meanwhile.
	overtakenPause = 50 * time.Millisecond
	// noteTimeout bounds what a claim of a shard may spend on remembering how the worker before ended.
	noteTimeout = 5 * time.Second
)

// Suspect is a notification or an event that was handed out again and again without an outcome. It may kill whoever looks
// at it, so it is looked at alone and under a mark in the stream SUSPECTS, which outlives the process: Begin sets the mark,
// End takes it away. A mark whose process ended without taking it away is a death.
//
// The mark names the process, so that one that is alive never counts as dead, however often it lost its connection: it
// takes its mark away once it can. A Suspect is not safe for concurrent use.
type Suspect struct {
	client     *Client
	subject    string
	receivedAt time.Time
}

// mark is who looks at a suspect, as the stream has it.
type mark struct {
	// ReceivedAt tells it from another one with the same sequence, in a stream that was made anew.
	ReceivedAt time.Time `json:"received_at"`
	// Open are the processes that began and did not say how it ended.
	Open []string `json:"open"`
}

// Begin marks that this process looks at the suspect from now on. It returns how many processes began before, and neither
// said how it ended nor are this one. Errors as PublishNotification; then there is no mark.
func (s *Suspect) Begin(ctx context.Context) (deaths int, err error) {
	err = updateSuspect(ctx, s.client, s.subject, func(m *mark) (changed bool) {
		if !m.ReceivedAt.Equal(s.receivedAt) {
			*m = mark{ReceivedAt: s.receivedAt}
		}
		m.remove(s.client.process)
		deaths = len(m.Open)
		m.Open = append(m.Open, s.client.process)
		m.Open = m.Open[max(len(m.Open)-maxOpen, 0):]
		return true
	})
	return deaths, err
}

// End takes the mark of this process away, because it lives. It may be called again, also when there is none.
func (s *Suspect) End(ctx context.Context) error {
	return updateSuspect(ctx, s.client, s.subject, func(m *mark) (changed bool) {
		return m.ReceivedAt.Equal(s.receivedAt) && m.remove(s.client.process)
	})
}

// remove takes a process out and reports whether it was there.
func (m *mark) remove(process string) bool {
	before := len(m.Open)
	m.Open = slices.DeleteFunc(m.Open, func(open string) bool { return open == process })
	return len(m.Open) < before
}

// Suspect returns what the notification is suspected of, nil when of nothing, as nearly always. Then the batch has no
// other notification.
func (r *Received) Suspect() *Suspect { return r.suspect }

// Suspect returns what the event is suspected of, nil when of nothing, as nearly always. The server counts how often it
// handed the event out. That includes what a worker gave back when it was stopped, so a suspect may be innocent.
func (d *Delivery) Suspect() *Suspect {
	if d.handedOut < suspectFrom {
		return nil
	}
	return &Suspect{
		client: d.partition.streams, subject: wire.SuspectEvent(d.partition.group.settings.Name, d.Due, d.streamSeq), receivedAt: d.ReceivedAt,
	}
}

// suspicion is what is known about the workers that had a shard and ended without giving it up. The intake resets its
// consumer whenever a shard changes hands, so the server's own count of how often it handed something out does not last.
type suspicion struct {
	// Consumer is when the shard's consumer was made. Another one belongs to other sequences.
	Consumer time.Time `json:"consumer"`
	// First and Last bound what each of the workers that ended had, by the sequence of the notification.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	// Deaths is how many workers in a row ended with it.
	Deaths int `json:"deaths"`
}

// add counts a worker that ended while it had notifications from first to last. What earlier ones had as well stays
// suspected.
func (s *suspicion) add(consumer time.Time, first, last uint64) {
	if !s.Consumer.Equal(consumer) || s.Last < first || last < s.First {
		*s = suspicion{Consumer: consumer, First: first, Last: last}
	}
	s.First, s.Last = max(s.First, first), min(s.Last, last)
	s.Deaths++
}

// covers reports whether a notification has to be looked at alone.
func (s *suspicion) covers(sequence uint64) bool {
	return s.Deaths >= suspectFrom-1 && s.First <= sequence && sequence <= s.Last
}

// isOpen reports whether something behind a sequence has to be looked at alone.
func (s *suspicion) isOpen(sequence uint64) bool {
	return s.Deaths >= suspectFrom-1 && sequence < s.Last
}

// noteUnfinished remembers what the worker before had and did not finish. A worker that stops gives its shard up, and then
// there is nothing; so this is one that was killed, or one that lost its connection. Told is the message by which this
// worker learned that it was chosen, nil if there is none. It has to be called before the consumer is reset.
//
// This serves to find what kills workers, and the intake does not depend on it: what fails is logged.
func (in *Intake) noteUnfinished(ctx context.Context, told *nats.Msg) {
	ctx, cancel := context.WithTimeout(ctx, noteTimeout)
	defer cancel()
	if err := in.noteUnfinishedUntil(ctx, told); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		in.streams.log.Warn("what the worker before had is not known", "shard", in.shard, "error", err)
	}
}

func (in *Intake) noteUnfinishedUntil(ctx context.Context, told *nats.Msg) error {
	info, err := stream.UntilDisconnect(ctx, in.streams.core, in.consumer.Info)
	if err != nil {
		return fmt.Errorf("look at shard %d: %w", in.shard, err)
	}
	left, last := info.NumAckPending, info.Delivered.Stream
	if told != nil {
		metadata, err := told.Metadata()
		if err != nil {
			return fmt.Errorf("read metadata of a notification: %w", err)
		}
		if metadata.NumDelivered == 1 { // Nobody had it before.
			left, last = left-1, metadata.Sequence.Stream-1
		}
	}
	err = updateSuspect(ctx, in.streams, wire.SuspectShard(in.shard), func(s *suspicion) (changed bool) {
		if left > 0 {
			s.add(info.Created, info.AckFloor.Stream+1, last)
		}
		in.suspicion = *s
		return left > 0
	})
	if err != nil {
		return err
	}
	if !in.suspicion.Consumer.Equal(info.Created) {
		in.suspicion = suspicion{}
	}
	if left > 0 {
		in.streams.log.Warn("the worker before ended without giving its shard up", "shard", in.shard,
			"first", in.suspicion.First, "last", in.suspicion.Last, "times", in.suspicion.Deaths)
	}
	return nil
}

// updateSuspect changes a document of SUSPECTS, unless change reports that there is nothing to change. Who is overtaken
// begins again.
func updateSuspect[T any](ctx context.Context, s *Client, subject string, change func(*T) (changed bool)) error {
	for {
		var document T
		last, err := s.readSuspect(ctx, subject, &document)
		if err != nil {
			return err
		}
		if !change(&document) {
			return nil
		}
		message, err := wire.SuspectMessage(subject, document, last)
		if err == nil {
			_, err = s.core.Store(ctx, message)
		}
		if err == nil {
			return nil
		}
		if !stream.IsOvertaken(err) || service.Sleep(ctx, overtakenPause) != nil {
			return fmt.Errorf("write %q: %w", subject, err)
		}
	}
}

// readSuspect returns the sequence of what it read, 0 when there was nothing.
func (s *Client) readSuspect(ctx context.Context, subject string, document any) (sequence uint64, err error) {
	opened, err := s.js.Stream(ctx, stream.Suspects)
	if err != nil {
		return 0, fmt.Errorf("open stream %s: %w", stream.Suspects, stream.Classify(err))
	}
	message, err := opened.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read %q: %w", subject, stream.Classify(err))
	}
	_ = json.Unmarshal(message.Data, document) // What another program wrote may be anything; it counts as nothing.
	return message.Sequence, nil
}
