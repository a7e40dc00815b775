package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

// ErrNoDeadLetter says that there is no dead letter with a sequence, or none any more.
var ErrNoDeadLetter = errors.New("there is no such dead letter")

// DeadLetter reads one dead letter. Errors: ErrNoDeadLetter, ErrUnavailable.
func (s *Streams) DeadLetter(ctx context.Context, sequence uint64) (notification.DeadLetter, error) {
	message, err := s.get(ctx, DeadLetters, sequence, ErrNoDeadLetter)
	if err != nil {
		return notification.DeadLetter{}, err
	}
	return readDeadLetter(message.Header, message.Data, sequence), nil
}

// RetryDeadLetter sends a dead letter through once more: an event goes to the group that gave it up, with its key, its
// history and its tries anew; what never was an event becomes a notification again. Then it is recorded who did so,
// and the letter is removed, in this order: what a crash cuts short may be done again and happens once. Errors:
// ErrFull, ErrUnavailable, ErrTooLarge.
func (s *Streams) RetryDeadLetter(ctx context.Context, letter *notification.DeadLetter, by string) error {
	detail, err := s.sendThrough(ctx, letter)
	if err != nil {
		return err
	}
	operation := operationOn(letter, notification.OperationRetryDeadLetter, by)
	operation.Detail = detail
	if err := s.RecordOperation(ctx, operation); err != nil {
		return err
	}
	return s.remove(ctx, DeadLetters, letter.DeadSequence)
}

// DropDeadLetter records who gives a dead letter up, and removes it. Errors as RetryDeadLetter.
func (s *Streams) DropDeadLetter(ctx context.Context, letter *notification.DeadLetter, by string) error {
	operation := operationOn(letter, notification.OperationDropDeadLetter, by)
	operation.Detail = letter.Error
	if err := s.RecordOperation(ctx, operation); err != nil {
		return err
	}
	return s.remove(ctx, DeadLetters, letter.DeadSequence)
}

func operationOn(letter *notification.DeadLetter, what, by string) notification.Operation {
	return notification.Operation{
		What: what, At: time.Now().UTC(), By: by, Group: letter.Group, Key: letter.Key, Reason: letter.Reason,
		DeadSequence: letter.DeadSequence, NotificationSequence: letter.NotificationSequence,
		EventSequence: letter.Sequence,
	}
}

// sendThrough hands on what a letter holds. The detail says as what.
func (s *Streams) sendThrough(ctx context.Context, letter *notification.DeadLetter) (detail string, err error) {
	if letter.Group == "" {
		receipt, err := s.notifyAgain(ctx, letter)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("sent through again as notification %d", receipt), nil
	}
	round := "dead/" + strconv.FormatUint(letter.DeadSequence, 10)
	if err := s.HandAgain(ctx, letter.Group, letter.Event, round); err != nil {
		return "", err
	}
	return "handed to the group again in round " + round, nil
}

// notifyAgain stores what a letter holds as a new notification and returns its receipt. The same letter is stored once
// within the window of notifications; after that its key makes one event of it.
func (s *Streams) notifyAgain(ctx context.Context, letter *notification.DeadLetter) (receipt uint64, err error) {
	message := notificationMessage(&notification.Notification{
		Source: letter.Source, Provider: letter.Provider, Type: letter.Type, Instance: letter.Instance,
		ReceivedAt: letter.ReceivedAt, ContentType: letter.ContentType, ContentEncoding: letter.ContentEncoding,
		RemoteAddress: letter.RemoteAddress, RequestID: letter.RequestID, TraceParent: letter.TraceParent,
		Header: letter.Header, Reading: letter.Reading, Observe: letter.Observe,
		RetryOf: letter.NotificationSequence, Body: letter.Body,
	}, s.shards)
	// The time belongs to the id because sequences begin anew in a new stream.
	header(message.Header).set(nats.MsgIdHdr, fmt.Sprintf("dead/%d/%s",
		letter.DeadSequence, strconv.FormatInt(letter.DiedAt.UnixNano(), 36)))
	ack, err := s.publishSingle(ctx, message)
	if err != nil {
		return 0, fmt.Errorf("publish notification of %q again: %w", letter.Source, err)
	}
	return ack.Sequence, nil
}
