package consume_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

// spellings are texts that somebody on the way might trim, cut, replace or repair.
func spellings() *rapid.Generator[string] {
	odd := rapid.SampledFrom([]string{
		"", " ", "\t", "\n", "\r\n", "\x00", "\x1f", "\x7f", "\u0085", "\u009b", "\u00a0", "\u2028", "\u3000", "\ufeff", "\u200b",
		"\ufffd", "é", "e\u0301", "😀", ":", "\"", "\\", strings.Repeat("x", 250), strings.Repeat("ü", 600),
	})
	core := rapid.SampledFrom([]string{"incomingCall", "incomingMessageReceived", "7@c.us", "1101000001", "a b", "x"})
	return rapid.Custom(func(t *rapid.T) string {
		text := core.Draw(t, "core")
		if rapid.IntRange(0, 3).Draw(t, "plain") > 0 { // Else hardly any would become an event.
			return text
		}
		return odd.Draw(t, "before") + text + odd.Draw(t, "behind")
	})
}

// anyNotification is a notification of one of three providers whose identity lies in its body, in the request's fields, or
// where a mapping says.
func anyNotification() *rapid.Generator[notification.Notification] {
	return rapid.Custom(func(t *rapid.T) notification.Notification {
		text := func(name string) string { return spellings().Draw(t, name) }
		provider := rapid.SampledFrom([]string{"green-api", "github", "generic"}).Draw(t, "provider")
		body, err := json.Marshal(map[string]any{
			"typeWebhook": text("type"), "instanceData": map[string]any{"idInstance": text("instance")},
			"idMessage": text("message"), "timestamp": rapid.Int64Range(-5, 2_000_000_000).Draw(t, "sent"),
			"senderData": map[string]any{"chatId": text("chat")}, "from": text("from"), "chatId": text("chat"),
			"action": text("action"), "repository": map[string]any{"full_name": text("name"), "owner": map[string]any{"login": text("owner")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		n := notification.Notification{Origin: notification.Origin{
			Source: "shop", Provider: provider, ContentType: "application/json", Body: body,
			ReceivedAt: time.Unix(1_750_000_000, 5).UTC(), Quarantine: rapid.Bool().Draw(t, "quarantine"),
			Header: map[string]string{http.CanonicalHeaderKey("X-GitHub-Event"): text("event"), "X-Github-Delivery": text("delivery")},
		}}
		if provider == "generic" {
			n.Mapping = source.Mapping{Type: "/typeWebhook", Instance: "/instanceData/idInstance", Order: "/from", Object: "/chatId", SentAt: "/timestamp"}.Encode()
		}
		n.Type, n.Instance = source.Providers()[provider].Peek(&n)
		return n
	})
}

// What the stream says of an event is what was validated, whatever a sender writes: the name that chose the schema is
// the name that chooses the handler, and what is in one lane stays in it.
func TestWhatIsReadBackIsWhatWasValidated(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Lanes(4))
	ctx := streamtest.Context(t)
	validated := map[uint64]notification.Event{} // by its place in the stream
	rapid.Check(t, func(t *rapid.T) {
		n := anyNotification().Draw(t, "notification")
		what, fault := source.Interpret(source.Providers(), &n)
		if fault != nil {
			return
		}
		event, err := streams.NewEvent(&n, what.Identity)
		if err != nil {
			t.Fatalf("interpreted as %+v, but refused: %v", what.Identity, err)
		}
		stored, err := streams.PublishEvents(ctx, []notification.Event{event})
		if err != nil {
			t.Fatal(err)
		}
		if !stored[0].Duplicate {
			validated[stored[0].Sequence] = event
		}
	})
	read := streamtest.Collect(t, streams.Events(ctx, admin.Query{}))
	if len(read) < 10 || len(read) != len(validated) {
		t.Errorf("%d events are read back and %d were validated", len(read), len(validated))
	}
	for _, event := range read {
		want := validated[event.Sequence]
		want.Window = 0 // It is part of the key by then.
		if event.Identity != want.Identity || event.Source != want.Source || event.Provider != want.Provider ||
			event.Lane != want.Lane || !bytes.Equal(event.Body, want.Body) {
			t.Errorf("read back\n%+v of %q in lane %d, want\n%+v of %q in lane %d",
				event.Identity, event.Source, event.Lane, want.Identity, want.Source, want.Lane)
		}
	}
}

func TestIdentityThatAHeaderWouldChangeIsNoEvent(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t, streamtest.Lanes(4))
	n := streamtest.Notification(1)
	for name, identity := range map[string]notification.Identity{
		"type":      {Type: "incomingCall "},
		"instance":  {Type: "incomingCall", Instance: "\u00a01"},
		"order key": {Type: "incomingCall", OrderKey: "a\nb"},
		"key":       {Type: "incomingCall", Key: "\x00"},
		"object":    {Type: "incomingCall", Object: strings.Repeat("x", 1025)},
	} {
		event, err := streams.NewEvent(&n, identity)
		if err == nil || !strings.Contains(err.Error(), name) || len(err.Error()) > 600 {
			t.Errorf("%s: %v", name, err)
		}
		if event.Identity != identity || event.Source != n.Source {
			t.Errorf("%s: the event for a dead letter is %+v", name, event)
		}
	}
}
