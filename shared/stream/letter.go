package stream

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

// deadLetterMessage writes a dead letter. Its id names the notification or the group's event, so that a worker
// that crashed before it could acknowledge does not bury the same thing twice. The time of receipt belongs to
// the id because sequences begin anew in a new stream.
func deadLetterMessage(letter *notification.DeadLetter) *nats.Msg {
	h := eventHeader(&letter.Event)
	h.set(nats.MsgIdHdr, strings.Join([]string{
		letter.Reason, letter.Group, strconv.FormatUint(letter.NotificationSequence, 10),
		strconv.FormatUint(letter.Sequence, 10), strconv.FormatInt(letter.ReceivedAt.UnixNano(), 36), letter.Round,
	}, "/"))
	h.setLineage(&letter.Event)
	h.set(HeaderReason, letter.Reason)
	h.set(HeaderError, letter.Error)
	h.set(HeaderGroup, letter.Group)
	h.setTime(HeaderDiedAt, letter.DiedAt)
	h.set(HeaderContentEncoding, letter.ContentEncoding)
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
		Event:  readEvent("", h, body, 0),
		Reason: first(h, HeaderReason), Error: first(h, HeaderError), Group: first(h, HeaderGroup),
		DiedAt: readTime(h, HeaderDiedAt), ContentEncoding: first(h, HeaderContentEncoding), DeadSequence: sequence,
	}
	readLineage(h, &letter.Event)
	if faults := first(h, HeaderFaults); faults != "" {
		// A header that another program wrote may be anything; the rest of the letter is still worth showing.
		_ = json.Unmarshal([]byte(faults), &letter.Faults)
	}
	return letter
}

// rejectionMessage writes a rejection, without its subject.
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
	h.setTrue(HeaderTruncated, rejection.Truncated)
	if document, err := json.Marshal(rejection.Header); err == nil && len(document) <= maxHeaderDocument {
		h[HeaderRequestHeader] = []string{string(document)}
	}
	if document, err := json.Marshal(rejection.Sealed); err == nil && len(rejection.Sealed) > 0 && len(document) <= maxHeaderDocument {
		h[HeaderSealed] = []string{string(document)}
	}
	h.setNumber(HeaderSkipped, rejection.Skipped)
	return &nats.Msg{Header: nats.Header(h), Data: rejection.Body}
}

// readRejection reads what rejectionMessage wrote.
func readRejection(h nats.Header, body []byte, sequence uint64) notification.Rejection {
	rejection := notification.Rejection{
		Cause: first(h, HeaderCause), Detail: first(h, HeaderDetail), Source: first(h, HeaderSource),
		Method: first(h, HeaderMethod), Path: first(h, HeaderPath),
		RemoteAddress: first(h, HeaderRemoteAddress), RequestID: first(h, HeaderRequestID),
		ContentType: first(h, HeaderContentType), ReceivedAt: readTime(h, HeaderReceivedAt),
		Truncated: isTrue(h, HeaderTruncated), Skipped: readNumber(h, HeaderSkipped),
		Body: body, Sequence: sequence,
	}
	if fields := first(h, HeaderRequestHeader); fields != "" {
		_ = json.Unmarshal([]byte(fields), &rejection.Header) // As in readDeadLetter.
	}
	if sealed := first(h, HeaderSealed); sealed != "" {
		_ = json.Unmarshal([]byte(sealed), &rejection.Sealed)
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
