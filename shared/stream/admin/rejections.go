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

// ErrNoRejection says that there is no rejection with a sequence, or none any more.
var ErrNoRejection = errors.New("there is no such rejection")

// Rejection reads one rejection. Errors: ErrNoRejection, ErrUnavailable.
func (s *Client) Rejection(ctx context.Context, sequence uint64) (notification.Rejection, error) {
	message, err := s.get(ctx, stream.Rejections, sequence, ErrNoRejection)
	if err != nil {
		return notification.Rejection{}, err
	}
	return wire.ReadRejection(message.Header, message.Data, sequence), nil
}

// AcceptRejection stores the notification that a rejection should have been, records who accepted it, and removes the
// rejection, in this order: what a crash cuts short may be done again, and happens once. The detail is for the record.
// Errors as PublishNotification.
func (s *Client) AcceptRejection(
	ctx context.Context, rejection *notification.Rejection, n *notification.Notification, by, detail string,
) (receipt uint64, err error) {
	message := wire.NotificationMessage(n, s.shards)
	// The id makes one notification of the same rejection; the time belongs to it because sequences begin anew in a new
	// stream.
	wire.SetMessageID(message, fmt.Sprintf("rejection/%d/%s",
		rejection.Sequence, strconv.FormatInt(rejection.ReceivedAt.UnixNano(), 36)))
	ack, err := s.core.Store(ctx, message)
	if err != nil {
		return 0, fmt.Errorf("publish notification of %q: %w", n.Source, err)
	}
	operation := notification.Operation{
		What: notification.OperationAcceptRejection, At: time.Now().UTC(), By: by, Detail: detail,
		Reason: rejection.Cause, RejectionSequence: rejection.Sequence, NotificationSequence: ack.Sequence,
	}
	if err := s.RecordOperation(ctx, operation); err != nil {
		return 0, err
	}
	return ack.Sequence, s.remove(ctx, stream.Rejections, rejection.Sequence)
}
