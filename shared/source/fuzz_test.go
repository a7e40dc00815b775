package source_test

import (
	"net/http"
	"testing"
	"time"

	"sluice.internal/shared/costtest"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

var (
	// peekingLimit is what looking into an unread body may cost, which the gateway does for each request.
	peekingLimit = costtest.Limit{Base: 64 << 10, PerByte: 4, MaxMemory: 64 << 20, CPUPerMiB: time.Second}
	// interpretingLimit is what the worker may spend on a notification before its schema is asked.
	interpretingLimit = costtest.Limit{Base: 2 << 20, PerByte: 400, MaxMemory: 192 << 20, CPUPerMiB: 4 * time.Second}
)

// FuzzProviders holds that every provider stands any body, content type and field.
func FuzzProviders(f *testing.F) {
	f.Add("application/json", "issues", []byte(`{"action":"opened","repository":{"full_name":5}}`))
	f.Add("application/x-www-form-urlencoded", "", []byte("payload=%7B%7D&payload=x"))
	f.Add("text/xml", "e", []byte("<a>"))
	f.Add("", "", []byte(`{"list_folder":{"accounts":{}},"hook_generated_at":{},"event_time":1e999}`))
	for _, body := range costtest.Bodies(12 << 10) {
		f.Add("application/json", "e", body)
		f.Add("application/x-www-form-urlencoded", "e", body)
	}
	mapping := source.Mapping{Type: "header:X", Instance: "$.a[0]", ID: []string{"/a/0", "body"}, SentAt: "/at", Object: "/o", Order: "$.a.b"}
	f.Fuzz(func(t *testing.T, contentType, field string, body []byte) {
		for name, provider := range source.Providers() {
			n := &notification.Notification{Origin: notification.Origin{Source: "s", Provider: name, ContentType: contentType, Body: body, Header: map[string]string{"X": field}}}
			for _, carried := range provider.Header {
				n.Header[carried] = field
			}
			n.Mapping = mapping.Encode()
			var (
				what  source.Interpretation
				fault *notification.Fault
			)
			peekingLimit.Check(t, len(body), func() { n.Type, n.Instance = provider.Peek(n) })
			interpretingLimit.Check(t, len(body), func() { what, fault = source.Interpret(source.Providers(), n) })
			if fault == nil && (len(what.Identity.Key) != 32 || what.Identity.Type == "" && !provider.OptionalType) {
				t.Errorf("%s: %+v", name, what.Identity)
			}
			if _, err := what.Identity.SentAt.MarshalJSON(); err != nil {
				t.Errorf("%s: sent at a time that can't be written: %v", name, err)
			}
			listening := &source.Configured{Provider: provider, Challenge: provider.Challenge, Answers: provider.Answers}
			request := &proof.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {contentType}}, Body: body}
			peekingLimit.Check(t, len(body), func() { _, _, _ = listening.Challenged(request, 0); listening.Answered(request) })
		}
	})
}

// FuzzPlaces holds that a place that is found right can be looked at.
func FuzzPlaces(f *testing.F) {
	for _, seed := range []string{"/a", "$.a[0]['b c']", "header:X", "constant:", "body", "$[", "/~"} {
		f.Add(seed, []byte(`{"a":[{"b c":1}]}`))
	}
	f.Fuzz(func(t *testing.T, place string, body []byte) {
		mapping := source.Mapping{Type: place, ID: []string{place}, SentAt: place}
		if mapping.Check() != nil {
			return
		}
		n := &notification.Notification{Origin: notification.Origin{Source: "s", Provider: "generic", Body: body, Mapping: mapping.Encode()}}
		peekingLimit.Check(t, len(place)+len(body), func() { n.Type, n.Instance = source.Providers()["generic"].Peek(n) })
		interpretingLimit.Check(t, len(place)+len(body), func() { _, _ = source.Interpret(source.Providers(), n) })
	})
}
