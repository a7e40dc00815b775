package source_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/source/mapping"
)

func generic(m source.Mapping, contentType, body string, fields ...string) *notification.Notification {
	n := came("generic", body, fields...)
	n.ContentType, n.Mapping = contentType, m.Encode()
	n.Type, n.Instance = source.Providers()["generic"].Peek(n)
	return n
}

// now is a time that a sender may write.
var now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func TestGenericSourceSaysWhereThingsAre(t *testing.T) {
	t.Parallel()
	mapping := source.Mapping{
		Type: "$.event.kind", Instance: "/account/id", ID: []string{"header:X-Id", "/n"}, Order: "$['event'].items[1].name",
		SentAt: "/at", Object: "header:x-object",
	}
	n := generic(mapping, "application/json",
		`{"event":{"kind":"paid","items":[{},{"name":"b.c"}]},"account":{"id":9007199254740993},"n":5,"at":"2026-03-01T12:00:00Z"}`,
		"X-Id", "i", "X-Object", "o")
	got := identityOf(t, n)
	want := notification.Identity{
		Type: "paid", Instance: "9007199254740993", OrderKey: "b.c", SentAt: now, Object: "o",
		Key: notification.Key("shop", "9007199254740993", "paid", "i", "5"),
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if n.Type != "paid" || n.Instance != "9007199254740993" {
		t.Errorf("the gateway takes it for %q of %q", n.Type, n.Instance)
	}
	if fields := mapping.Fields(); !slices.Equal(fields, []string{"X-Id", "X-Object"}) {
		t.Errorf("fields %q", fields)
	}
}

func TestWithoutAnIdTheBodyTellsNotificationsApart(t *testing.T) {
	t.Parallel()
	for _, id := range [][]string{nil, {"/nowhere"}, {"header:X-None", "/none"}, {"body"}} {
		mapping := source.Mapping{Type: "constant:a", ID: id}
		one, again := generic(mapping, "application/json", `{"a":1,"b":2}`), generic(mapping, "application/json", `{"b":2, "a":1}`)
		other := generic(mapping, "application/json", `{"a":1,"b":3}`)
		if identityOf(t, one).Key != identityOf(t, again).Key || identityOf(t, one).Key == identityOf(t, other).Key {
			t.Errorf("id at %q does not tell bodies apart", id)
		}
	}
}

func TestBodiesThatAreNoDocumentsArePassedOn(t *testing.T) {
	t.Parallel()
	mapping := source.Mapping{Type: "header:X-Event", ID: []string{"/a"}}
	for contentType, body := range map[string]string{
		"text/xml; charset=utf-8": "<?xml version='1.0'?><a>", "text/plain": "hello", "application/json": `[1,2]`,
		"application/octet-stream": "\xff\x00", "multipart/form-data": "no part", "text/html": "<a>", "application/vnd.x+json": `"text"`,
	} {
		what, fault := source.Interpret(source.Providers(), generic(mapping, contentType, body, "X-Event", "e"))
		if fault != nil || !what.Body.IsOpaque() || what.Identity.Type != "e" || len(what.Identity.Key) != 32 {
			t.Errorf("%s: %+v, fault %v", contentType, what.Identity, fault)
		}
	}
	for contentType, body := range map[string]string{
		"application/json": "{", "": "hello", "text/plain": "", "application/x-www-form-urlencoded": "", "application/hal+json": "nothing",
	} {
		if _, fault := source.Interpret(source.Providers(), generic(mapping, contentType, body, "X-Event", "e")); fault == nil {
			t.Errorf("%s %q is understood", contentType, body)
		}
	}
	// A JSON object is one, whatever its sender calls it.
	if what, fault := source.Interpret(source.Providers(), generic(mapping, "text/plain", `{"a":1}`, "X-Event", "e")); fault != nil || what.Body.IsOpaque() {
		t.Errorf("an object as plain text: fault %v", fault)
	}
	if _, fault := source.Interpret(source.Providers(), came("stripe", "<a/>")); fault == nil {
		t.Error("Stripe may send XML")
	}
}

func TestTypeOfXMLIsWhereTheSourceSays(t *testing.T) {
	t.Parallel()
	const order = `<?xml version="1.0" encoding="windows-1251"?><order id="7"><shop>5</shop></order>`
	for place, want := range map[string]string{
		"root": "order", "constant:c": "c", "header:X-Event": "h", "query:event": "q", "/order/@id": "7", "$.order.shop": "5",
	} {
		m := source.Mapping{Type: place, Instance: "/order/shop"}
		n := generic(m, "application/xml", order, "X-Event", "h", mapping.QueryField+"event", "q")
		what, fault := source.Interpret(source.Providers(), n)
		if fault != nil || what.Identity.Type != want || what.Identity.Instance != "5" || !what.Body.IsSchemaless() {
			t.Errorf("%s: %+v, fault %v", place, what.Identity, fault)
		}
	}
	for place, says := range map[string]string{"root": "no single outermost", "query:event": `parameter "event"`} {
		_, fault := source.Interpret(source.Providers(), generic(source.Mapping{Type: place}, "application/json", `{"a":1,"b":2}`))
		if fault == nil || !strings.Contains(fault.Message, says) {
			t.Errorf("%s: fault %v, want %q", place, fault, says)
		}
	}
}

func TestTimesOfSendersAreReadInTheirForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		`1772366400`: now, `1772366400000`: now, `"2026-03-01T15:00:00+03:00"`: now, `"1772366400"`: now,
		`"yesterday"`: {}, `0`: {}, `-5`: {}, `null`: {}, `1e400`: {},
	} {
		mapping := source.Mapping{Type: "constant:a", SentAt: "/at"}
		n := generic(mapping, "application/json", `{"at":`+text+`}`)
		if text == `1e400` { // A number that is still within what is read.
			n.Body = []byte(`{"at":1e300}`)
		}
		if got := identityOf(t, n).SentAt; !got.Equal(want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
