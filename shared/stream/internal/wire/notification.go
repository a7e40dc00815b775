package wire

import (
	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

// NotificationMessage writes a notification for its stream. The message id is the request's, so that a retried
// publish is stored once.
func NotificationMessage(n *notification.Notification, shards int) *nats.Msg {
	h := make(header, 12)
	h.set(nats.MsgIdHdr, n.RequestID)
	h.setOrigin(&n.Origin)
	h.set(HeaderType, n.Type)
	h.set(HeaderInstance, n.Instance)
	h.set(HeaderContentEncoding, n.ContentEncoding)
	h.setNumber(HeaderRetryOf, n.RetryOf)
	return &nats.Msg{
		Subject: notificationSubject(shardOf(n.Instance, shards), n.Source), Header: nats.Header(h), Data: n.Body,
	}
}

// ReadNotification reads what NotificationMessage wrote.
func ReadNotification(h nats.Header, body []byte, sequence uint64) notification.Notification {
	return notification.Notification{
		Origin: readOrigin(h, body),
		Type:   HeaderValue(h, HeaderType), Instance: HeaderValue(h, HeaderInstance),
		ContentEncoding: HeaderValue(h, HeaderContentEncoding),
		RetryOf:         readNumber(h, HeaderRetryOf),
		Sequence:        sequence,
	}
}
