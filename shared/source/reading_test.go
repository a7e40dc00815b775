package source_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
)

func generic(reading source.Reading, contentType, body string, fields ...string) *notification.Notification {
	n := came("generic", body, fields...)
	n.ContentType, n.Reading = contentType, reading.Encode()
	n.Type, n.Instance = source.Providers()["generic"].Peek(n)
	return n
}

func TestGenericSourceSaysWhereThingsAre(t *testing.T) {
	t.Parallel()
	reading := source.Reading{
		Type: "$.event.kind", Instance: "/account/id", ID: []string{"header:X-Id", "/n"}, Order: "$['event'].items[1].name",
		SentAt: "/at", Object: "header:x-object",
	}
	n := generic(reading, "application/json",
		`{"event":{"kind":"paid","items":[{},{"name":"b.c"}]},"account":{"id":9007199254740993},"n":5,"at":"2026-03-01T12:00:00Z"}`,
		"X-Id", "i", "X-Object", "o")
	got := understood(t, n)
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
	if fields := reading.Fields(); !slices.Equal(fields, []string{"X-Id", "X-Object"}) {
		t.Errorf("fields %q", fields)
	}
}

func TestWithoutAnIdTheBodyTellsNotificationsApart(t *testing.T) {
	t.Parallel()
	for _, id := range [][]string{nil, {"/nowhere"}, {"header:X-None", "/none"}, {"body"}} {
		reading := source.Reading{Type: "constant:a", ID: id}
		one, again := generic(reading, "application/json", `{"a":1,"b":2}`), generic(reading, "application/json", `{"b":2, "a":1}`)
		other := generic(reading, "application/json", `{"a":1,"b":3}`)
		if understood(t, one).Key != understood(t, again).Key || understood(t, one).Key == understood(t, other).Key {
			t.Errorf("id at %q does not tell bodies apart", id)
		}
	}
}

func TestBodiesThatAreNoDocumentsArePassedOn(t *testing.T) {
	t.Parallel()
	reading := source.Reading{Type: "header:X-Event", ID: []string{"/a"}}
	for contentType, body := range map[string]string{
		"application/xml": "<a/>", "text/xml; charset=utf-8": "<?xml version='1.0'?><a>", "text/plain": "hello", "application/json": `[1,2]`,
		"application/octet-stream": "\xff\x00", "application/soap+xml": "<a/>", "application/vnd.x+json": `"text"`,
	} {
		what, fault := source.Understand(source.Providers(), generic(reading, contentType, body, "X-Event", "e"))
		if fault != nil || !what.Body.IsOpaque() || what.Identity.Type != "e" || len(what.Identity.Key) != 32 {
			t.Errorf("%s: %+v, fault %v", contentType, what.Identity, fault)
		}
	}
	for contentType, body := range map[string]string{
		"application/json": "{", "": "hello", "text/plain": "", "application/x-www-form-urlencoded": "%zz", "application/hal+json": "nothing",
	} {
		if _, fault := source.Understand(source.Providers(), generic(reading, contentType, body, "X-Event", "e")); fault == nil {
			t.Errorf("%s %q is understood", contentType, body)
		}
	}
	// A JSON object is one, whatever its sender calls it.
	if what, fault := source.Understand(source.Providers(), generic(reading, "text/plain", `{"a":1}`, "X-Event", "e")); fault != nil || what.Body.IsOpaque() {
		t.Errorf("an object as plain text: fault %v", fault)
	}
	if _, fault := source.Understand(source.Providers(), came("stripe", "<a/>")); fault == nil {
		t.Error("Stripe may send XML")
	}
}

func TestObservedSourceLosesNothingToAFault(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{", `{"no":"type"}`, "\xff"} {
		n := came("stripe", body)
		n.Observe = true
		what, fault := source.Understand(source.Providers(), n)
		if fault != nil || what.Ignored == nil || len(what.Identity.Key) != 32 {
			t.Errorf("%q: fault %v, ignored %v", body, fault, what.Ignored)
		}
	}
}

func TestPlacesThatCanNotBeAreTold(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"", "/", "/a~1b/0", "$.a", "$.a.b[0]", "$['a b'].c", "$[0]", "header:X-A", "constant:x y", "body"} {
		if err := source.CheckPlace(place); err != nil {
			t.Errorf("%q: %v", place, err)
		}
	}
	for _, place := range []string{"a", "event.type", "$", "$a", "$..a", "$.a[", "$.a[x]", "$.a[*]", "$.*", "header:", "header:X A", "constant:", "bodies"} {
		if source.CheckPlace(place) == nil {
			t.Errorf("%q is a place", place)
		}
	}
	err := source.Reading{Type: "a", Order: "b", Object: "/o"}.Check()
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not all three faults are told: %v", err)
	}
}

func TestTimesOfSendersAreReadInTheirForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		`1772366400`: now, `1772366400000`: now, `"2026-03-01T15:00:00+03:00"`: now, `"1772366400"`: now,
		`"yesterday"`: {}, `0`: {}, `-5`: {}, `null`: {}, `1e400`: {},
	} {
		reading := source.Reading{Type: "constant:a", SentAt: "/at"}
		n := generic(reading, "application/json", `{"at":`+text+`}`)
		if text == `1e400` { // A number that is still within what is read.
			n.Body = []byte(`{"at":1e300}`)
		}
		if got := understood(t, n).SentAt; !got.Equal(want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
