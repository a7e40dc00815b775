package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// ErrNoDeadLetter says that there is no dead letter with a sequence, or none any more.
var ErrNoDeadLetter = errors.New("there is no such dead letter")

// DeadLetter reads one dead letter. Errors: ErrNoDeadLetter, ErrUnavailable.
func (s *Client) DeadLetter(ctx context.Context, sequence uint64) (notification.DeadLetter, error) {
	message, err := s.get(ctx, stream.DeadLetters, sequence, ErrNoDeadLetter)
	if err != nil {
		return notification.DeadLetter{}, err
	}
	return wire.ReadDeadLetter(message.Header, message.Data, sequence), nil
}

// RetryDeadLetter sends a dead letter through once more: an event goes to the group that gave it up, with its key, its
// history and its tries anew; what never was an event becomes a notification again, with this receipt, and is taken in with
// the mode and the mapping that the dead letter has. Then it is recorded who did so,
// and the dead letter is removed, in this order: what a crash cuts short may be done again and happens once. A dead letter without
// its body gets that from its original. Errors: ErrFull, ErrUnavailable, ErrTooLarge.
func (s *Client) RetryDeadLetter(ctx context.Context, letter *notification.DeadLetter, by string) (receipt uint64, err error) {
	if err := s.restoreBody(ctx, letter); err != nil {
		return 0, err
	}
	receipt, detail, err := s.redrive(ctx, letter)
	if err != nil {
		return 0, err
	}
	operation := operationOn(letter, notification.OperationRetryDeadLetter, by)
	operation.Detail = detail
	if err := s.RecordOperation(ctx, operation); err != nil {
		return 0, err
	}
	return receipt, s.remove(ctx, stream.DeadLetters, letter.DeadSequence)
}

// DropDeadLetter records who gives a dead letter up, and removes it. Errors as RetryDeadLetter.
func (s *Client) DropDeadLetter(ctx context.Context, letter *notification.DeadLetter, by string) error {
	operation := operationOn(letter, notification.OperationDropDeadLetter, by)
	operation.Detail = letter.Error
	if err := s.RecordOperation(ctx, operation); err != nil {
		return err
	}
	return s.remove(ctx, stream.DeadLetters, letter.DeadSequence)
}

func operationOn(letter *notification.DeadLetter, what, by string) notification.Operation {
	return notification.Operation{
		What: what, At: time.Now().UTC(), By: by, Group: letter.Group, Key: letter.Key, Reason: letter.Reason,
		DeadSequence: letter.DeadSequence, NotificationSequence: letter.NotificationSequence,
		EventSequence: letter.Sequence, Part: letter.Part,
	}
}

// restoreBody puts a body back that the dead letter was too large for, from the notification or the event that it was made of.
func (s *Client) restoreBody(ctx context.Context, letter *notification.DeadLetter) error {
	if !letter.BodyOmitted() {
		return nil
	}
	name, sequence := stream.Notifications, letter.NotificationSequence
	if letter.Group != "" {
		name, sequence = stream.Events, letter.Sequence
	}
	message, err := s.get(ctx, name, sequence, errNoOriginal)
	if err == nil {
		err = letter.RestoreBody(message.Data)
	}
	if err != nil {
		return fmt.Errorf("restore the body of %d bytes from message %d of stream %s: %w", letter.BodySize, sequence, name, err)
	}
	return nil
}

// errNoOriginal says that what a dead letter without its body was made of was trimmed.
var errNoOriginal = errors.New("the message is not kept any more, and with it the body is gone")

// redrive hands on what a dead letter holds. The detail says as what; the receipt is 0 for an event.
func (s *Client) redrive(ctx context.Context, letter *notification.DeadLetter) (receipt uint64, detail string, err error) {
	if letter.Group == "" {
		receipt, err := s.publishAgain(ctx, letter)
		if err != nil {
			return 0, "", err
		}
		return receipt, fmt.Sprintf("sent through again as notification %d", receipt), nil
	}
	round := "dead/" + strconv.FormatUint(letter.DeadSequence, 10)
	if err := s.Redeliver(ctx, letter.Group, letter.Event, round); err != nil {
		return 0, "", err
	}
	return 0, "handed to the group again in round " + round, nil
}

// publishAgain stores what a dead letter holds as a new notification and returns its receipt. The same dead letter is stored once
// within the window of notifications; after that its key makes one event of it.
func (s *Client) publishAgain(ctx context.Context, letter *notification.DeadLetter) (receipt uint64, err error) {
	message := wire.NotificationMessage(&notification.Notification{
		Origin: letter.Origin,
		Type:   letter.Type, Instance: letter.Instance,
		ContentEncoding: letter.ContentEncoding,
		RetryOf:         letter.NotificationSequence,
	}, s.shards)
	// The time belongs to the id because sequences begin anew in a new stream.
	wire.SetMessageID(message, fmt.Sprintf("dead/%d/%s",
		letter.DeadSequence, strconv.FormatInt(letter.DiedAt.UnixNano(), 36)))
	ack, err := s.core.Store(ctx, message)
	if err != nil {
		return 0, fmt.Errorf("publish notification of %q again: %w", letter.Source, err)
	}
	return ack.Sequence, nil
}
