package wire

import (
	"encoding/json"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
)

// EventMessage writes an event for its stream. The message id is the identity: publishing is deduplicating.
func EventMessage(event *notification.Event) *nats.Msg {
	h := eventHeader(event)
	h.set(nats.MsgIdHdr, event.Key)
	return &nats.Msg{Subject: eventSubject(event), Header: nats.Header(h), Data: event.Body}
}

// noRollup is a value of the header for rollups that no server knows.
const noRollup = "none"

// KeyProbe asks whether there is an event with a key: the server compares the key with those that it remembers, and only then
// finds that the message may not be stored, since it asks for a rollup of a kind that there is not. No other check will do: a
// server alone compares an expected sequence before the key, and an expected id is compared by all replicas, after the leader
// has passed the message on.
func KeyProbe(event *notification.Event, key string) *nats.Msg {
	h := make(header, 2)
	h.set(nats.MsgIdHdr, key)
	h.set(jetstream.MsgRollup, noRollup)
	return &nats.Msg{Subject: eventSubject(event), Header: nats.Header(h)}
}

func eventHeader(event *notification.Event) header {
	h := make(header, 16)
	h.setOrigin(&event.Origin)
	h.set(HeaderType, event.Type)
	h.set(HeaderInstance, event.Instance)
	h.setTime(HeaderSentAt, event.SentAt)
	h.set(HeaderKey, event.Key)
	h.set(HeaderOrderKey, event.OrderKey)
	h.setNumber(HeaderNotificationSequence, event.NotificationSequence)
	h.set(HeaderObject, event.Object)
	h.setTrue(HeaderOutdated, event.Outdated)
	if faults := boundedFaults(event.Faults); faults != "" {
		h[HeaderFaults] = []string{faults}
	}
	return h
}

// ReadEvent reads what EventMessage wrote. The lane is in the subject alone.
func ReadEvent(subject string, h nats.Header, body []byte, sequence uint64) notification.Event {
	return notification.Event{
		Origin: readOrigin(h, body),
		Identity: notification.Identity{
			Type: HeaderValue(h, HeaderType), Instance: HeaderValue(h, HeaderInstance), OrderKey: HeaderValue(h, HeaderOrderKey),
			Key: HeaderValue(h, HeaderKey), SentAt: ReadTime(h, HeaderSentAt), Object: HeaderValue(h, HeaderObject),
		},
		Lane: NumberInSubject(subject), Sequence: sequence,
		NotificationSequence: readNumber(h, HeaderNotificationSequence),
		Faults:               readFaults(h),
		Outdated:             isTrue(h, HeaderOutdated),
	}
}

// boundedFaults writes as many faults as fit, and in their place how many more there are.
func boundedFaults(faults []notification.Fault) string {
	if len(faults) == 0 {
		return ""
	}
	faults = notification.BoundFaults(faults)
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

// readFaults reads what boundedFaults wrote. What another program wrote may be anything; the rest of the message is still
// worth having.
func readFaults(h nats.Header) (faults []notification.Fault) {
	if document := HeaderValue(h, HeaderFaults); document != "" {
		_ = json.Unmarshal([]byte(document), &faults)
	}
	return faults
}

// ObjectMessage writes the time of an event as the newest of its object, unless the subject has another last message
// than the one with the sequence.
func ObjectMessage(event *notification.Event, last uint64) *nats.Msg {
	h := make(header, 3)
	h.set(HeaderObject, event.Object)
	h.setTime(HeaderSentAt, event.SentAt)
	h.set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(last, 10))
	return &nats.Msg{Subject: ObjectSubject(event), Header: nats.Header(h)}
}
