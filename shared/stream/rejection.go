package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

// ErrNoRejection says that there is no rejection with a sequence, or none any more.
var ErrNoRejection = errors.New("there is no such rejection")

// The stream of rejections keeps the last few of each subject, and a subject is a place in a ring: of each cause and
// source the newest small ones and the newest of common size are kept, and of all together the newest large ones. So
// many of one kind push out none of another.
const (
	perPlace = 4
	// smallRejection and commonRejection are the most bytes, with the header, of a small one and of one of common size.
	smallRejection  = 8 << 10
	commonRejection = 128 << 10
	// smallPlaces and commonPlaces are how many places each cause of each source has for them.
	smallPlaces   = 128
	commonPlaces  = 4
	summaryPlaces = 4

	largeRejections = "rejected.large"
)

// places deals out the places of rings, one after the other. Each process begins at the first: several that fill the
// same ring are why a place keeps more than one.
type places struct {
	mutex sync.Mutex
	next  map[string]int
}

func (p *places) take(ring string, size int) string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.next == nil {
		p.next = map[string]int{}
	}
	place := p.next[ring] % size
	p.next[ring] = place + 1
	return ring + "." + strconv.Itoa(place)
}

func (s *Streams) rejectionSubject(rejection *notification.Rejection, size int) string {
	ring := "rejected." + Token(rejection.Cause) + "." + Token(rejection.Source)
	switch {
	case rejection.Skipped > 0:
		return s.places.take(ring+".skipped", summaryPlaces)
	case size <= smallRejection:
		return s.places.take(ring+".small", smallPlaces)
	case size <= commonRejection:
		return s.places.take(ring+".common", commonPlaces)
	default:
		return largeRejections
	}
}

// PublishRejection stores a refused request. It does not try again.
func (s *Streams) PublishRejection(ctx context.Context, rejection *notification.Rejection) error {
	message := rejectionMessage(rejection)
	message.Subject = s.rejectionSubject(rejection, message.Size())
	if _, err := s.js.PublishMsg(ctx, message); err != nil {
		return fmt.Errorf("publish rejection: %w", classify(err))
	}
	return nil
}

// Rejection reads one rejection. Errors: ErrNoRejection, ErrUnavailable.
func (s *Streams) Rejection(ctx context.Context, sequence uint64) (notification.Rejection, error) {
	message, err := s.get(ctx, Rejections, sequence, ErrNoRejection)
	if err != nil {
		return notification.Rejection{}, err
	}
	return readRejection(message.Header, message.Data, sequence), nil
}

// AcceptRejection stores the notification that a rejection should have been, records who accepted it, and removes the
// rejection, in this order: what a crash cuts short may be done again, and happens once. The detail is for the record.
// Errors as PublishNotification.
func (s *Streams) AcceptRejection(
	ctx context.Context, rejection *notification.Rejection, n *notification.Notification, by, detail string,
) (receipt uint64, err error) {
	message := notificationMessage(n, s.shards)
	// The id makes one notification of the same rejection; the time belongs to it because sequences begin anew in a new
	// stream.
	header(message.Header).set(nats.MsgIdHdr, fmt.Sprintf("rejection/%d/%s",
		rejection.Sequence, strconv.FormatInt(rejection.ReceivedAt.UnixNano(), 36)))
	ack, err := s.publishSingle(ctx, message)
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
	return ack.Sequence, s.remove(ctx, Rejections, rejection.Sequence)
}
