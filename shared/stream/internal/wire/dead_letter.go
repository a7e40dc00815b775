package wire

import (
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

// DeadLetterMessage writes a dead letter. Its id names the notification or the group's event, so that a worker
// that crashed before it could acknowledge does not bury the same thing twice. The time of receipt belongs to
// the id because sequences begin anew in a new stream.
func DeadLetterMessage(letter *notification.DeadLetter) *nats.Msg {
	h := eventHeader(&letter.Event)
	id := []string{
		letter.Reason, letter.Group, strconv.FormatUint(letter.NotificationSequence, 10),
		strconv.FormatUint(letter.Sequence, 10), strconv.FormatInt(letter.ReceivedAt.UnixNano(), 36), letter.Round,
	}
	if letter.Part > 0 {
		id = append(id, strconv.Itoa(letter.Part))
	}
	h.set(nats.MsgIdHdr, strings.Join(id, "/"))
	h.setLineage(&letter.Event)
	h.set(HeaderReason, letter.Reason)
	h.set(HeaderError, letter.Error)
	h.set(HeaderGroup, letter.Group)
	h.setTime(HeaderDiedAt, letter.DiedAt)
	h.set(HeaderContentEncoding, letter.ContentEncoding)
	h.setNumber(HeaderBodySize, uint64(letter.BodySize)) //nolint:gosec // A size is not negative.
	h.set(HeaderBodySHA256, letter.BodySHA256)
	return &nats.Msg{Subject: deadLetterSubject(letter), Header: nats.Header(h), Data: letter.Body}
}

// ReadDeadLetter reads what DeadLetterMessage wrote.
func ReadDeadLetter(h nats.Header, body []byte, sequence uint64) notification.DeadLetter {
	letter := notification.DeadLetter{
		Event:  ReadEvent("", h, body, 0),
		Reason: HeaderValue(h, HeaderReason), Error: HeaderValue(h, HeaderError), Group: HeaderValue(h, HeaderGroup),
		DiedAt: ReadTime(h, HeaderDiedAt), ContentEncoding: HeaderValue(h, HeaderContentEncoding), DeadSequence: sequence,
		BodySize: int(readNumber(h, HeaderBodySize)), BodySHA256: HeaderValue(h, HeaderBodySHA256), //nolint:gosec // As it was written.
	}
	readLineage(h, &letter.Event)
	return letter
}
