package cli

import (
	"encoding/json"
	"unicode/utf8"
)

// payload is a body in a JSON document: as it came where it is JSON itself, else encoded.
type payload struct {
	Body       json.RawMessage `json:"body,omitempty"`
	BodyBase64 []byte          `json:"body_base64,omitempty"`
}

// newPayload keeps numbers and the order of keys as they are; only white space between them goes.
func newPayload(body []byte) payload {
	// The decoder takes bytes that are no UTF-8 inside of strings; other programs would not.
	if json.Valid(body) && utf8.Valid(body) {
		return payload{Body: body}
	}
	return payload{BodyBase64: body}
}
