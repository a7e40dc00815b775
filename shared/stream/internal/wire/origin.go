package wire

import (
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

// setOrigin writes everything of an origin but its body, which is the message's.
func (h header) setOrigin(origin *notification.Origin) {
	h.set(HeaderSource, origin.Source)
	h.set(HeaderProvider, origin.Provider)
	h.setTime(HeaderReceivedAt, origin.ReceivedAt)
	h.set(HeaderContentType, origin.ContentType)
	h.set(HeaderRemoteAddress, origin.RemoteAddress)
	h.set(HeaderRequestID, origin.RequestID)
	h.set(HeaderTraceParent, origin.TraceParent)
	if origin.Part > 0 {
		h.set(HeaderPart, strconv.Itoa(origin.Part)+"/"+strconv.Itoa(origin.Parts))
	}
	h.setRequest(origin.Header, origin.Mapping, origin.Quarantine)
}

// readOrigin reads what setOrigin wrote.
func readOrigin(h nats.Header, body []byte) notification.Origin {
	part, parts := readPart(h)
	return notification.Origin{
		Part: part, Parts: parts,
		Source: HeaderValue(h, HeaderSource), Provider: HeaderValue(h, HeaderProvider), ReceivedAt: ReadTime(h, HeaderReceivedAt),
		ContentType: HeaderValue(h, HeaderContentType), RemoteAddress: HeaderValue(h, HeaderRemoteAddress),
		RequestID: HeaderValue(h, HeaderRequestID), TraceParent: HeaderValue(h, HeaderTraceParent),
		Header: readRequest(h), Mapping: HeaderValue(h, HeaderMapping), Quarantine: isTrue(h, HeaderQuarantine), Body: body,
	}
}

// readPart reads which of how many parts it is; 0 for a whole.
func readPart(h nats.Header) (part, parts int) {
	number, count, _ := strings.Cut(HeaderValue(h, HeaderPart), "/")
	part, err := strconv.Atoi(number)
	if err != nil || part < 1 {
		return 0, 0
	}
	if parts, err = strconv.Atoi(count); err != nil {
		return 0, 0
	}
	return part, parts
}
