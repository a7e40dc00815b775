package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/internal/wire"
)

// fullPause is how long a known sender's rejection waits between two tries while the stream is full. Workers look more often
// than twice as long whether it is.
const fullPause = time.Second

// PublishRejection stores a refused request. The stream takes nothing new when it is full, so that nobody's rejections push out
// another's; workers free what has more than its share. A known sender's rejection waits for that until the context ends, a
// stranger's does not. Errors: ErrFull, ErrUnavailable, ErrTooLarge.
func (p *Publisher) PublishRejection(ctx context.Context, rejection *notification.Rejection) error {
	for {
		err := p.client.StoreRejection(ctx, rejection)
		if err == nil || !rejection.Known || !errors.Is(err, ErrFull) || service.Sleep(ctx, fullPause) != nil {
			return err
		}
	}
}

// StoreRejection stores a rejection, and does not try again. Errors: those of PublishRejection.
func (s *Client) StoreRejection(ctx context.Context, rejection *notification.Rejection) error {
	message := wire.RejectionMessage(rejection)
	message.Subject = wire.RejectionSubject(rejection, message.Size())
	if _, err := s.js.PublishMsg(ctx, message); err != nil {
		return fmt.Errorf("publish rejection: %w", Classify(err))
	}
	return nil
}
