package wire

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
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
	if HeaderValue(nats.Header(h), HeaderMapping) != `{"type":"/a"}` || !isTrue(nats.Header(h), HeaderQuarantine) {
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

func TestPartTravelsWithAllThatIsMadeOfIt(t *testing.T) {
	t.Parallel()
	origin := notification.Origin{Source: "s", Part: 2, Parts: 3}
	letters := map[string]bool{}
	for part := range 4 {
		origin.Part = part
		event := notification.Event{Origin: origin, NotificationSequence: 7}
		letter := notification.DeadLetter{Event: event, Reason: notification.ReasonInvalid}
		for name, message := range map[string]*nats.Msg{"an event": EventMessage(&event), "a dead letter": DeadLetterMessage(&letter)} {
			read := ReadEvent("", message.Header, nil, 1)
			if want := map[bool]int{true: 3}[part > 0]; read.Part != part || read.Parts != want {
				t.Errorf("%s of part %d is read as part %d of %d", name, part, read.Part, read.Parts)
			}
		}
		letters[MessageID(DeadLetterMessage(&letter))] = true
	}
	if len(letters) != 4 { // The store would take them for one.
		t.Errorf("dead letters of the parts have %d ids", len(letters))
	}
	for _, broken := range []string{"", "x", "0/3", "-1/3", "2", "2/x"} {
		if part, parts := readPart(nats.Header{HeaderPart: {broken}}); part != 0 || parts != 0 {
			t.Errorf("%q is part %d of %d", broken, part, parts)
		}
	}
}
