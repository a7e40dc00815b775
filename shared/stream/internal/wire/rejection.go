package wire

import (
	"encoding/json"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

// RejectionMessage writes a rejection, without its subject.
func RejectionMessage(rejection *notification.Rejection) *nats.Msg {
	h := make(header, 12)
	h.set(HeaderCause, rejection.Cause)
	h.set(HeaderDetail, rejection.Detail)
	h.set(HeaderSource, rejection.Source)
	h.set(HeaderMethod, rejection.Method)
	h.set(HeaderPath, rejection.Path)
	h.set(HeaderQuery, rejection.Query)
	h.set(HeaderRemoteAddress, rejection.RemoteAddress)
	h.set(HeaderRequestID, rejection.RequestID)
	h.set(HeaderContentType, rejection.ContentType)
	h.setTime(HeaderReceivedAt, rejection.ReceivedAt)
	h.setTrue(HeaderTruncated, rejection.Truncated)
	if document, err := json.Marshal(rejection.Header); err == nil && len(document) <= maxHeaderDocument {
		h[HeaderRequestHeader] = []string{string(document)}
	}
	if document, err := json.Marshal(rejection.TokenDigests); err == nil && len(rejection.TokenDigests) > 0 && len(document) <= maxHeaderDocument {
		h[HeaderTokenDigests] = []string{string(document)}
	}
	h.setNumber(HeaderSkipped, rejection.Skipped)
	return &nats.Msg{Header: nats.Header(h), Data: rejection.Body}
}

// ReadRejection reads what RejectionMessage wrote.
func ReadRejection(h nats.Header, body []byte, sequence uint64) notification.Rejection {
	rejection := notification.Rejection{
		Cause: HeaderValue(h, HeaderCause), Detail: HeaderValue(h, HeaderDetail), Source: HeaderValue(h, HeaderSource),
		Method: HeaderValue(h, HeaderMethod), Path: HeaderValue(h, HeaderPath),
		Query:         HeaderValue(h, HeaderQuery),
		RemoteAddress: HeaderValue(h, HeaderRemoteAddress), RequestID: HeaderValue(h, HeaderRequestID),
		ContentType: HeaderValue(h, HeaderContentType), ReceivedAt: ReadTime(h, HeaderReceivedAt),
		Truncated: isTrue(h, HeaderTruncated), Skipped: readNumber(h, HeaderSkipped),
		Body: body, Sequence: sequence,
	}
	if fields := HeaderValue(h, HeaderRequestHeader); fields != "" {
		_ = json.Unmarshal([]byte(fields), &rejection.Header) // As in ReadDeadLetter.
	}
	if digests := HeaderValue(h, HeaderTokenDigests); digests != "" {
		_ = json.Unmarshal([]byte(digests), &rejection.TokenDigests)
	}
	return rejection
}
