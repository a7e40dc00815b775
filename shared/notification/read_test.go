package notification_test

import (
	"reflect"
	"strings"
	"testing"

	"sluice.internal/shared/notification"
)

const form = "application/x-www-form-urlencoded"

func TestFormIsADocumentOfItsFields(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]map[string]any{
		"channel=VIBER&message_id=2892295&status=SENT": {"channel": "VIBER", "message_id": "2892295", "status": "SENT"},
		"a=1&a=2&b=":                    {"a": []any{"1", "2"}, "b": ""},
		"name=%D0%9C%D0%B8%D1%80+%26":   {"name": "Мир &"},
		"payload=%7B%22a%22%3A1%7D&b=2": {"payload": `{"a":1}`, "b": "2"},
		"payload=text":                  {"payload": "text"},
	} {
		for _, contentType := range []string{form, "Application/X-WWW-Form-Urlencoded; charset=utf-8", form + "; broken"} {
			document, fault := notification.Read(contentType, []byte(body))
			if fault != nil {
				t.Fatalf("%s: %+v", body, fault)
			}
			if !reflect.DeepEqual(document.Root(), want) {
				t.Errorf("%s: %v", body, document.Root())
			}
		}
		if _, fault := notification.Read("application/json", []byte(body)); fault == nil {
			t.Errorf("%s is JSON", body)
		}
	}
}

func TestJSONInAFormIsItself(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`payload=%7B%22a%22%3A1%7D`, ` {"a":1}`} {
		document, fault := notification.Read(form, []byte(body))
		if fault != nil || document.Text("a") != "1" {
			t.Errorf("%s: fault %v", body, fault)
		}
	}
}

func TestWhatIsNoFormIsAFault(t *testing.T) {
	t.Parallel()
	for body, says := range map[string]string{
		"": "is empty", "a=%zz": "is not a form", "a=%ff": "not valid UTF-8", strings.Repeat("a=1&", 20_000): "more than 10000 fields",
		"payload={\"a\"": "is not JSON",
	} {
		document, fault := notification.Read(form, []byte(body))
		if document != nil || fault == nil || !strings.Contains(fault.Message, says) {
			t.Errorf("%.20s: fault %+v, want %q", body, fault, says)
		}
	}
}

func TestFormAsJSONIsForWhoeverReadsJSON(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"b=2&a=1": `{"a":"1","b":"2"}`, `{"a":1}`: `{"a":1}`, "payload=%7B%22a%22%3A1%7D": `{"a":1}`, "a=%zz": "a=%zz",
	} {
		if got := notification.AsJSON(form, []byte(body)); string(got) != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	if got := notification.AsJSON("text/xml", []byte("<a/>")); string(got) != "<a/>" {
		t.Errorf("XML became %s", got)
	}
}

func TestOpaqueBodyHasNothingButItsBytes(t *testing.T) {
	t.Parallel()
	document := notification.Opaque([]byte("<a/>"))
	if !document.IsOpaque() || document.Has("a") || document.String("a") != "" || document.Root() != nil {
		t.Error("an opaque body has fields")
	}
	if _, ok := document.Pointer(""); ok {
		t.Error("an opaque body has a document")
	}
	if document.Fingerprint() != notification.Opaque([]byte("<a/>")).Fingerprint() ||
		document.Fingerprint() == notification.Opaque([]byte("<b/>")).Fingerprint() {
		t.Error("the fingerprint is not that of the bytes")
	}
}

func TestPointerFindsMembersAndItems(t *testing.T) {
	t.Parallel()
	document, fault := notification.Read("", []byte(`{"a":{"b/c~d":[1,{"e":null}]},"":{"x":2}}`))
	if fault != nil {
		t.Fatal(fault)
	}
	for pointer, want := range map[string]string{"/a/b~1c~0d/0": "1", "//x": "2", "/a/b~1c~0d/1/e": "", "/a": ""} {
		value, ok := document.Pointer(pointer)
		if !ok || notification.TextOf(value) != want {
			t.Errorf("%s: %v, %t", pointer, value, ok)
		}
	}
	for _, pointer := range []string{"/b", "/a/b", "/a/b~1c~0d/2", "/a/b~1c~0d/-1", "/a/b~1c~0d/x", "/a/b~1c~0d/0/0"} {
		if value, ok := document.Pointer(pointer); ok {
			t.Errorf("%s: %v", pointer, value)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(form, []byte("a=1&a=2&payload={"))
	f.Add("text/plain", []byte(`{"a":[1]}`))
	f.Add("; =", []byte("%"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		document, fault := notification.Read(contentType, body)
		if (document == nil) == (fault == nil) {
			t.Fatalf("document %v, fault %v", document, fault)
		}
		if fault != nil {
			return
		}
		again, fault := notification.Parse(notification.AsJSON(contentType, body))
		if fault != nil {
			t.Fatalf("as JSON it is none: %v", fault)
		}
		if !reflect.DeepEqual(again.Root(), document.Root()) {
			t.Errorf("as JSON it is %v, was %v", again.Root(), document.Root())
		}
	})
}
