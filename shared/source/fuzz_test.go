package source_test

import (
	"net/http"
	"strings"
	"testing"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
)

// FuzzVerifiers holds that nothing but a proof is accepted by any verifier, and that nothing makes one panic.
func FuzzVerifiers(f *testing.F) {
	for _, w := range ways(f) {
		made := w.made(f, w.other, now)
		for _, values := range made.Header {
			f.Add(values[0], "1772366400", "id", made.Rest, []byte(body))
		}
	}
	f.Add("t=1772366400,v1=00,v1=", "1e9", "", "a/b", []byte("{"))
	f.Add("sha256=zz", "-1", "\x00", "..", []byte(nil))
	type guarded struct {
		verifier *source.Verifier
		fields   []string
	}
	var all []guarded
	for _, w := range ways(f) {
		g := guarded{verifier: verifier(f, w.proof, source.Secret{Text: w.secret})}
		for field := range w.made(f, w.secret, now).Header {
			g.fields = append(g.fields, field)
		}
		all = append(all, g)
	}
	f.Fuzz(func(t *testing.T, value, stamp, id, rest string, body []byte) {
		if strings.Contains(value+rest, secret) || strings.Contains(value, "dXNlcj") {
			return // Then it may be right.
		}
		for _, g := range all {
			request := &source.Request{Header: http.Header{}, Rest: rest, Body: body, At: now}
			for _, field := range g.fields {
				request.Header.Set(field, value)
				if strings.Contains(field, "Time") {
					request.Header.Set(field, stamp)
				}
				if strings.HasSuffix(field, "-Id") {
					request.Header.Set(field, id)
				}
			}
			if g.verifier.Verify(request).OK {
				t.Errorf("accepted %q at %q with id %q and rest %q", value, stamp, id, rest)
			}
			if refusal := g.verifier.Diagnose(request, nil); refusal.Cause == "" || strings.Contains(refusal.Detail, secret) {
				t.Errorf("diagnosis %+v", refusal)
			}
		}
	})
}

// FuzzProviders holds that every provider stands any body, content type and field.
func FuzzProviders(f *testing.F) {
	f.Add("application/json", "issues", []byte(`{"action":"opened","repository":{"full_name":5}}`))
	f.Add("application/x-www-form-urlencoded", "", []byte("payload=%7B%7D&payload=x"))
	f.Add("text/xml", "e", []byte("<a>"))
	f.Add("", "", []byte(`{"list_folder":{"accounts":{}},"hook_generated_at":{},"event_time":1e999}`))
	reading := source.Reading{Type: "header:X", Instance: "$.a[0]", ID: []string{"/a/0", "body"}, SentAt: "/at", Object: "/o", Order: "$.a.b"}
	f.Fuzz(func(t *testing.T, contentType, field string, body []byte) {
		for name, provider := range source.Providers() {
			n := &notification.Notification{Source: "s", Provider: name, ContentType: contentType, Body: body, Header: map[string]string{"X": field}}
			for _, carried := range provider.Header {
				n.Header[carried] = field
			}
			n.Reading = reading.Encode()
			n.Type, n.Instance = provider.Peek(n)
			what, fault := source.Understand(source.Providers(), n)
			if fault == nil && (len(what.Identity.Key) != 32 || what.Identity.Type == "") {
				t.Errorf("%s: %+v", name, what.Identity)
			}
			if _, err := what.Identity.SentAt.MarshalJSON(); err != nil {
				t.Errorf("%s: sent at a time that can't be written: %v", name, err)
			}
			if provider.Challenge != nil {
				provider.Challenge(body)
			}
		}
	})
}

// FuzzPlaces holds that a place that is found right can be looked at.
func FuzzPlaces(f *testing.F) {
	for _, seed := range []string{"/a", "$.a[0]['b c']", "header:X", "constant:", "body", "$[", "/~"} {
		f.Add(seed, []byte(`{"a":[{"b c":1}]}`))
	}
	f.Fuzz(func(_ *testing.T, place string, body []byte) {
		reading := source.Reading{Type: place, ID: []string{place}, SentAt: place}
		if reading.Check() != nil {
			return
		}
		n := &notification.Notification{Source: "s", Provider: "generic", Body: body, Reading: reading.Encode()}
		n.Type, n.Instance = source.Providers()["generic"].Peek(n)
		_, _ = source.Understand(source.Providers(), n)
	})
}
