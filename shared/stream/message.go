package stream

import (
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

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
	h.setRequest(n.Header, n.Reading, n.Observe)
	h.setNumber(HeaderRetryOf, n.RetryOf)
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
		Header:      readRequest(h), Reading: first(h, HeaderReading), Observe: isTrue(h, HeaderObserve),
		RetryOf:  readNumber(h, HeaderRetryOf),
		Sequence: sequence,
		Body:     body,
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
	h.setRequest(event.Header, event.Reading, event.Observe)
	h.set(HeaderObject, event.Object)
	h.setTrue(HeaderOutdated, event.Outdated)
	return h
}

// readEvent reads what eventMessage wrote. The lane is in the subject alone.
func readEvent(subject string, h nats.Header, body []byte, sequence uint64) notification.Event {
	return notification.Event{
		Identity: notification.Identity{
			Type: first(h, HeaderType), Instance: first(h, HeaderInstance), OrderKey: first(h, HeaderOrderKey),
			Key: first(h, HeaderKey), SentAt: readTime(h, HeaderSentAt), Object: first(h, HeaderObject),
		},
		Source: first(h, HeaderSource), Provider: first(h, HeaderProvider),
		ReceivedAt: readTime(h, HeaderReceivedAt), ContentType: first(h, HeaderContentType),
		RemoteAddress: first(h, HeaderRemoteAddress), RequestID: first(h, HeaderRequestID),
		TraceParent: first(h, HeaderTraceParent), Body: body,
		Header: readRequest(h), Reading: first(h, HeaderReading), Observe: isTrue(h, HeaderObserve),
		Lane: numberInSubject(subject), Sequence: sequence,
		NotificationSequence: readNumber(h, HeaderNotificationSequence),
		Outdated:             isTrue(h, HeaderOutdated),
	}
}

// numberInSubject is the lane of an event's subject, the shard of a notification's.
func numberInSubject(subject string) int {
	_, rest, _ := strings.Cut(subject, ".")
	token, _, _ := strings.Cut(rest, ".")
	number, err := strconv.Atoi(token)
	if err != nil {
		return 0
	}
	return number
}
