package stream

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

const (
	// maxHeaderValue bounds a header value that comes from outside, in bytes.
	maxHeaderValue = 1 << 10
	// maxHeaderDocument bounds a JSON document in a header, in bytes.
	maxHeaderDocument = 16 << 10
	// HeaderRoom is how much larger than the body a message may be, in bytes.
	HeaderRoom = 64 << 10
)

// header collects the fields of a message. Empty values are left out.
type header nats.Header

// set writes a value in one line of bounded length, whatever it holds.
func (h header) set(name, value string) {
	if value != "" {
		h[name] = []string{oneLine(value, maxHeaderValue)}
	}
}

func (h header) setTime(name string, t time.Time) {
	if !t.IsZero() {
		h[name] = []string{t.UTC().Format(time.RFC3339Nano)}
	}
}

func (h header) setNumber(name string, n uint64) {
	if n != 0 {
		h[name] = []string{strconv.FormatUint(n, 10)}
	}
}

// oneLine replaces what would break a header apart, and cuts at a character's end.
func oneLine(value string, limit int) string {
	if len(value) > limit {
		cut := limit
		for cut > 0 && !utf8.RuneStart(value[cut]) {
			cut--
		}
		value = value[:cut]
	}
	if !strings.ContainsFunc(value, isControl) && utf8.ValidString(value) && strings.TrimSpace(value) == value {
		return value
	}
	value = strings.Map(func(r rune) rune {
		if isControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(value, "\uFFFD"))
	return strings.TrimSpace(value)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// notificationMessage writes a notification for its stream. The message id is the request's, so that a retried
// publish is stored once.
func notificationMessage(n *notification.Notification, shards int) *nats.Msg {
	h := make(header, 12)
	h.set(nats.MsgIdHdr, n.RequestID)
	h.set(HeaderSource, n.Source)
	h.set(HeaderProvider, n.Provider)
	h.set(HeaderType, n.Type)
	h.set(HeaderInstance, n.Instance)
	h.setTime(HeaderReceivedAt, n.ReceivedAt)
	h.set(HeaderContentType, n.ContentType)
	h.set(HeaderContentEncoding, n.ContentEncoding)
	h.set(HeaderRemoteAddress, n.RemoteAddress)
	h.set(HeaderRequestID, n.RequestID)
	h.set(HeaderTraceParent, n.TraceParent)
	return &nats.Msg{
		Subject: notificationSubject(shardOf(n.Instance, shards), n.Source), Header: nats.Header(h), Data: n.Body,
	}
}

// readNotification reads what notificationMessage wrote.
func readNotification(h nats.Header, body []byte, sequence uint64) notification.Notification {
	return notification.Notification{
		Source: first(h, HeaderSource), Provider: first(h, HeaderProvider),
		Type: first(h, HeaderType), Instance: first(h, HeaderInstance),
		ReceivedAt:  readTime(h, HeaderReceivedAt),
		ContentType: first(h, HeaderContentType), ContentEncoding: first(h, HeaderContentEncoding),
		RemoteAddress: first(h, HeaderRemoteAddress), RequestID: first(h, HeaderRequestID),
		TraceParent: first(h, HeaderTraceParent),
		Sequence:    sequence,
		Body:        body,
	}
}

// eventMessage writes an event for its stream. The message id is the identity: publishing is deduplicating.
func eventMessage(event *notification.Event) *nats.Msg {
	h := eventHeader(event)
	h.set(nats.MsgIdHdr, event.Key)
	return &nats.Msg{Subject: eventSubject(event), Header: nats.Header(h), Data: event.Body}
}

func eventHeader(event *notification.Event) header {
	h := make(header, 16)
	h.set(HeaderSource, event.Source)
	h.set(HeaderProvider, event.Provider)
	h.set(HeaderType, event.Type)
	h.set(HeaderInstance, event.Instance)
	h.setTime(HeaderReceivedAt, event.ReceivedAt)
	h.setTime(HeaderSentAt, event.SentAt)
	h.set(HeaderKey, event.Key)
	h.set(HeaderOrderKey, event.OrderKey)
	h.setNumber(HeaderNotificationSequence, event.NotificationSequence)
	h.set(HeaderContentType, event.ContentType)
	h.set(HeaderRemoteAddress, event.RemoteAddress)
	h.set(HeaderRequestID, event.RequestID)
	h.set(HeaderTraceParent, event.TraceParent)
	return h
}

// readEvent reads what eventMessage wrote. The lane is in the subject alone.
func readEvent(subject string, h nats.Header, body []byte, sequence uint64) notification.Event {
	return notification.Event{
		Identity: notification.Identity{
			Type: first(h, HeaderType), Instance: first(h, HeaderInstance), OrderKey: first(h, HeaderOrderKey),
			Key: first(h, HeaderKey), SentAt: readTime(h, HeaderSentAt),
		},
		Source: first(h, HeaderSource), Provider: first(h, HeaderProvider),
		ReceivedAt: readTime(h, HeaderReceivedAt), ContentType: first(h, HeaderContentType),
		RemoteAddress: first(h, HeaderRemoteAddress), RequestID: first(h, HeaderRequestID),
		TraceParent: first(h, HeaderTraceParent), Body: body,
		Lane: laneInSubject(subject), Sequence: sequence,
		NotificationSequence: readNumber(h, HeaderNotificationSequence),
	}
}

func laneInSubject(subject string) int {
	_, rest, _ := strings.Cut(subject, ".")
	token, _, _ := strings.Cut(rest, ".")
	lane, err := strconv.Atoi(token)
	if err != nil {
		return 0
	}
	return lane
}

// deadLetterMessage writes a dead letter. Its id names the notification or the group's event, so that a worker
// that crashed before it could acknowledge does not bury the same thing twice. The time of receipt belongs to
// the id because sequences begin anew in a new stream.
func deadLetterMessage(letter *notification.DeadLetter) *nats.Msg {
	h := eventHeader(&letter.Event)
	h.set(nats.MsgIdHdr, strings.Join([]string{
		letter.Reason, letter.Group, strconv.FormatUint(letter.NotificationSequence, 10),
		strconv.FormatUint(letter.Sequence, 10), strconv.FormatInt(letter.ReceivedAt.UnixNano(), 36),
	}, "/"))
	h.setNumber(HeaderEventSequence, letter.Sequence)
	h.setNumber(HeaderAttempt, uint64(max(letter.Attempt, 0)))
	h.set(HeaderReason, letter.Reason)
	h.set(HeaderError, letter.Error)
	h.set(HeaderGroup, letter.Group)
	h.setTime(HeaderDiedAt, letter.DiedAt)
	if faults := boundedFaults(letter.Faults); faults != "" {
		h[HeaderFaults] = []string{faults}
	}
	return &nats.Msg{Subject: deadLetterSubject(letter), Header: nats.Header(h), Data: letter.Body}
}

// boundedFaults writes as many faults as fit, and in their place how many more there are.
func boundedFaults(faults []notification.Fault) string {
	if len(faults) == 0 {
		return ""
	}
	for keep := len(faults); ; keep /= 2 {
		shown := faults[:keep:keep]
		if keep < len(faults) {
			shown = append(shown, notification.Fault{Message: "and " + strconv.Itoa(len(faults)-keep) + " more faults"})
		}
		document, err := json.Marshal(shown)
		if err == nil && len(document) <= maxHeaderDocument {
			return string(document)
		}
		if keep == 0 {
			return ""
		}
	}
}

// readDeadLetter reads what deadLetterMessage wrote.
func readDeadLetter(h nats.Header, body []byte, sequence uint64) notification.DeadLetter {
	letter := notification.DeadLetter{
		Event:  readEvent("", h, body, readNumber(h, HeaderEventSequence)),
		Reason: first(h, HeaderReason), Error: first(h, HeaderError), Group: first(h, HeaderGroup),
		DiedAt: readTime(h, HeaderDiedAt), DeadSequence: sequence,
	}
	letter.Attempt = int(readNumber(h, HeaderAttempt)) //nolint:gosec // Written from an int.
	if faults := first(h, HeaderFaults); faults != "" {
		// A header that another program wrote may be anything; the rest of the letter is still worth showing.
		_ = json.Unmarshal([]byte(faults), &letter.Faults)
	}
	return letter
}

// rejectionMessage writes a rejection.
func rejectionMessage(rejection *notification.Rejection) *nats.Msg {
	h := make(header, 12)
	h.set(HeaderCause, rejection.Cause)
	h.set(HeaderDetail, rejection.Detail)
	h.set(HeaderSource, rejection.Source)
	h.set(HeaderMethod, rejection.Method)
	h.set(HeaderPath, rejection.Path)
	h.set(HeaderRemoteAddress, rejection.RemoteAddress)
	h.set(HeaderRequestID, rejection.RequestID)
	h.set(HeaderContentType, rejection.ContentType)
	h.setTime(HeaderReceivedAt, rejection.ReceivedAt)
	if rejection.Truncated {
		h.set(HeaderTruncated, "true")
	}
	if document, err := json.Marshal(rejection.Header); err == nil && len(document) <= maxHeaderDocument {
		h[HeaderRequestHeader] = []string{string(document)}
	}
	return &nats.Msg{Subject: rejectionSubject(rejection), Header: nats.Header(h), Data: rejection.Body}
}

// readRejection reads what rejectionMessage wrote.
func readRejection(h nats.Header, body []byte, sequence uint64) notification.Rejection {
	rejection := notification.Rejection{
		Cause: first(h, HeaderCause), Detail: first(h, HeaderDetail), Source: first(h, HeaderSource),
		Method: first(h, HeaderMethod), Path: first(h, HeaderPath),
		RemoteAddress: first(h, HeaderRemoteAddress), RequestID: first(h, HeaderRequestID),
		ContentType: first(h, HeaderContentType), ReceivedAt: readTime(h, HeaderReceivedAt),
		Truncated: first(h, HeaderTruncated) == "true",
		Body:      body, Sequence: sequence,
	}
	if fields := first(h, HeaderRequestHeader); fields != "" {
		_ = json.Unmarshal([]byte(fields), &rejection.Header) // As in readDeadLetter.
	}
	return rejection
}

// alertMessage writes an alert as JSON, for any program that tells the operator. Its id is the fingerprint, so
// that the stream's duplicate window groups alerts about the same thing.
func alertMessage(alert *notification.Alert) (*nats.Msg, error) {
	body, err := json.Marshal(alertDocument{
		Severity: alert.Severity, Title: alert.Title, Detail: alert.Detail,
		Source: alert.Source, Type: alert.Type, Instance: alert.Instance, At: alert.At.UTC(),
	})
	if err != nil {
		return nil, err
	}
	h := make(header, 1)
	h.set(nats.MsgIdHdr, alert.Fingerprint())
	return &nats.Msg{Subject: alertSubject(alert), Header: nats.Header(h), Data: body}, nil
}

type alertDocument struct {
	Severity string    `json:"severity"`
	Title    string    `json:"title"`
	Detail   string    `json:"detail,omitempty"`
	Source   string    `json:"source,omitempty"`
	Type     string    `json:"type,omitempty"`
	Instance string    `json:"instance,omitempty"`
	At       time.Time `json:"at"`
}

// first returns a field's first value. Unlike Header.Get of net/http it does not change the name's case.
func first(h nats.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func readTime(h nats.Header, name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, first(h, name))
	if err != nil {
		return time.Time{}
	}
	return t
}

func readNumber(h nats.Header, name string) uint64 {
	n, err := strconv.ParseUint(first(h, name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
