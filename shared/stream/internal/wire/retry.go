package wire

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
)

// RetryMessage writes an event that is due. The time of receipt belongs to the id because sequences begin anew in a
// new stream, the group's own time because a group that was removed and made anew begins with the same attempts.
func RetryMessage(group string, born time.Time, event *notification.Event, lanes int) *nats.Msg {
	h := eventHeader(event)
	h.set(nats.MsgIdHdr, strings.Join([]string{
		group, strconv.FormatUint(event.Sequence, 10), strconv.FormatInt(event.ReceivedAt.UnixNano(), 36),
		event.Round, strconv.Itoa(event.Attempt), strconv.FormatInt(born.UnixMicro(), 36),
	}, "/"))
	h.set(HeaderGroup, group)
	h.setLineage(event)
	return &nats.Msg{Subject: DueSubject(group, duePart(event.Lane, lanes)), Header: nats.Header(h), Data: event.Body}
}

// ParkedMessage writes an event that becomes due at a time: the server's schedule publishes it then.
func ParkedMessage(group string, born time.Time, event *notification.Event, lanes int, until time.Time) *nats.Msg {
	message := RetryMessage(group, born, event, lanes)
	h := header(message.Header)
	// The client's option cuts to whole seconds, and so does not only delay less but sometimes not at all.
	h.set(jetstream.ScheduleHeader, "@at "+until.UTC().Format(time.RFC3339Nano))
	h.set(jetstream.ScheduleTargetHeader, message.Subject)
	h.setTime(HeaderDueAt, until)
	message.Subject = fmt.Sprintf("retry.%s.%d.%d", group, event.Lane, event.Sequence)
	return message
}

// ReadRetry reads what RetryMessage and ParkedMessage wrote.
func ReadRetry(h nats.Header, body []byte, sequence uint64) notification.Retry {
	retry := notification.Retry{
		Event: ReadEvent("", h, body, 0), Group: HeaderValue(h, HeaderGroup), RetrySequence: sequence,
	}
	readLineage(h, &retry.Event)
	if HeaderValue(h, jetstream.ScheduleHeader) != "" {
		retry.DueAt = ReadTime(h, HeaderDueAt)
	}
	return retry
}
