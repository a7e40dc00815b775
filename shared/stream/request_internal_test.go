package stream

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

func TestFieldsOfARequestTravelWithinBounds(t *testing.T) {
	t.Parallel()
	fields := map[string]string{"X-Github-Event": "push", "X-Broken": "a\r\nb", "X-Long": strings.Repeat("x", 5000), "X-Empty": ""}
	h := header{}
	h.setRequest(fields, `{"type":"/a"}`, true)
	got := readRequest(nats.Header(h))
	want := map[string]string{"X-Github-Event": "push", "X-Broken": "a  b", "X-Long": strings.Repeat("x", maxHeaderValue)}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if first(nats.Header(h), HeaderReading) != `{"type":"/a"}` || !isTrue(nats.Header(h), HeaderObserve) {
		t.Errorf("header %v", h)
	}
	many := map[string]string{}
	for i := range 100 {
		many[fmt.Sprintf("X-%03d", i)] = "v"
	}
	h = header{}
	h.setRequest(many, "", false)
	if got := readRequest(nats.Header(h)); len(got) != maxRequestFields || len(h) != maxRequestFields {
		t.Errorf("%d fields travel", len(got))
	}
	if readRequest(nats.Header{}) != nil {
		t.Error("no fields are some")
	}
}
