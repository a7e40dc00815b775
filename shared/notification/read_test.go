package notification_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"sluice.internal/shared/costtest"
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

func TestWhatIsNoDocumentIsAFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ contentType, body, says string }{
		{form, "", "is empty"},
		{form, strings.Repeat("a=1&", 20_000), "more than 10000 fields"},
		{form, `payload={"a"`, "is not JSON"},
		{"application/json", "hello", "is not JSON"},
		{"", "\xd0=", "is not valid UTF-8"},
		{"application/json; charset=nonsense", "{\"a\":\"\xff\"}", `the charset "nonsense"`},
		{"text/xml", "<a>", "is not XML"},
		{"multipart/form-data", "a", "without a boundary"},
		{multi, multipart("a", "application/json", `{"b":1,"b":2}`), `a part "a" that /b is there twice`},
		{multi, multipart("a", "application/json", "["+strings.Repeat("0,", notification.MaxValues)+"0]"), "more than 100000 values"},
	} {
		document, fault := notification.Read(c.contentType, []byte(c.body))
		if document != nil || fault == nil || !strings.Contains(fault.Message, c.says) {
			t.Errorf("%.20s: fault %+v, want %q", c.body, fault, c.says)
		}
	}
}

const multi = "multipart/form-data; boundary=b"

// multipart is a body with one part.
func multipart(name, contentType, content string) string {
	return "--b\r\nContent-Disposition: form-data; name=" + name + "\r\nContent-Type: " + contentType + "\r\n\r\n" + content + "\r\n--b--\r\n"
}

func TestPartsThatAreJSONAreRead(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]any{
		multipart("payload", "application/json", `{"id":9007199254740993}`):    map[string]any{"id": json.Number("9007199254740993")},
		multipart("payload", "", `{"id":1}`):                                   map[string]any{"id": json.Number("1")},
		multipart("payload", "application/vnd.x+json; charset=utf-8", `["a"]`): []any{"a"},
		multipart("payload", "text/plain", `[1]`):                              "[1]",
		multipart("payload", "", `{"typed":1,"typed":2}`):                      `{"typed":1,"typed":2}`,
		multipart("payload", "", `{ smile`):                                    "{ smile",
	} {
		document, fault := notification.Read(multi, []byte(body))
		if fault != nil || document.Faults() != nil || document.IsSchemaless() {
			t.Fatalf("%s: fault %+v, faults %v", body, fault, document.Faults())
		}
		if got := document.Root()["payload"]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", body, got)
		}
	}
}

func TestValuesOfAllPartsCountTogether(t *testing.T) {
	t.Parallel()
	var body strings.Builder
	for i := range 20 {
		body.WriteString(strings.TrimSuffix(multipart("a"+strconv.Itoa(i), "application/json", "["+strings.Repeat("0,", 10_000)+"0]"), "--b--\r\n"))
	}
	if _, fault := notification.Read(multi, []byte(body.String()+"--b--")); fault == nil || !strings.Contains(fault.Message, "more than 100000 values") {
		t.Errorf("fault %v", fault)
	}
}

func TestWhatIsReadThoughItIsNotAsItShouldBeHasFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		contentType, body string
		want              notification.Fault
	}{
		{form, "a%2F~=%ff", notification.Fault{Pointer: "/a~1~0", Message: "has bytes that are no text in its encoding, read as U+FFFD"}},
		{multi, multipart("a", "", "\xff"), notification.Fault{Pointer: "/a", Message: "has bytes that are no text in its encoding, read as U+FFFD"}},
		{multi, strings.TrimSuffix(multipart("a", "", "1"), "--\r\n"), notification.Fault{Message: "is multipart without its end"}},
		{multi, multipart("a", "application/json", `{"b":[007]}`), notification.Fault{Pointer: "/a/b/0", Message: "is a number with leading zeros"}},
		{multi, multipart("a", "application/json", `{"b"`), notification.Fault{Pointer: "/a", Message: "is not JSON: ends in the middle at byte 4"}},
	} {
		document, fault := notification.Read(c.contentType, []byte(c.body))
		if fault != nil || !reflect.DeepEqual(document.Faults(), []notification.Fault{c.want}) {
			t.Errorf("%q: %v, faults %+v", c.body, fault, document.Faults())
		}
	}
}

func TestXMLIsADocumentWithoutASchema(t *testing.T) {
	t.Parallel()
	document, fault := notification.Read("application/xml", []byte(`<order id="7"><item>1</item></order>`))
	if fault != nil || !document.IsSchemaless() || document.IsOpaque() {
		t.Fatalf("fault %v", fault)
	}
	if id, _ := document.Pointer("/order/@id"); id != "7" {
		t.Errorf("its attribute is %v", id)
	}
}

func TestAnyBodyAsJSONIsForWhoeverReadsJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ contentType, body, want string }{
		{form, "b=2&a=1", `{"a":"1","b":"2"}`},
		{form, `{"a":1}`, `{"a":1}`},
		{form, "payload=%7B%22a%22%3A1%7D", `{"a":1}`},
		{form, "a=%zz", `{"a":"%zz"}`},
		{form + "; charset=windows-1251", "a=%C0", `{"a":"А"}`},
		{"application/json; charset=windows-1251", "{\"a\":\"\xc0\"}", `{"a":"А"}`},
		{"application/json", "\xff\xfe{\x00}\x00", `{}`},
		{"application/json", `[1,]`, `[1]`},
		{"text/xml", "<a/>", `{"a":""}`},
		{"text/xml", "<a>", "<a>"},
		{"text/plain; charset=koi8-r", "\xe1 \"b\"", `"А \"b\""`},
		{"text/plain", "7", `"7"`},
		{"text/plain", ` [7]`, ` [7]`},
		{"text/plain", `{"a":1}`, `{"a":1}`},
		{multi, multipart("a", "", "1"), `{"a":"1"}`},
		{multi, "hello", "hello"},
		{"image/png", "\x89PNG", "\x89PNG"},
		{"application/json; charset=nonsense", "\xff", "\xff"},
	} {
		if got := notification.AsJSON(c.contentType, []byte(c.body)); string(got) != c.want {
			t.Errorf("%s %q: %q, want %q", c.contentType, c.body, got, c.want)
		}
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
	f.Add("text/xml", []byte(`<a b="c">1<d/><d/></a>`))
	f.Add("text/plain; charset=utf-16", []byte("a\x00"))
	f.Add(multi, []byte(multipart("a", "application/json", `{"b":[1]}`)))
	f.Add(multi, []byte(strings.Repeat(strings.TrimSuffix(multipart("a", "", `{"b":[1]}`), "--b--\r\n"), 900)))
	for _, body := range costtest.Bodies(64 << 10) {
		f.Add(form, body)
		f.Add("text/xml", []byte("<a>"+string(body)+"</a>"))
		f.Add(multi, []byte(multipart("a", "application/json", string(body))))
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		var (
			document *notification.Document
			fault    *notification.Fault
		)
		readingLimit.Check(t, len(body), func() { document, fault = notification.Read(contentType, body) })
		if (document == nil) == (fault == nil) {
			t.Fatalf("document %v, fault %v", document, fault)
		}
		if fault != nil {
			return
		}
		// Parse would refuse two names that differ in case alone, which forms and XML may have.
		decoder := json.NewDecoder(bytes.NewReader(notification.AsJSON(contentType, body)))
		decoder.UseNumber()
		var again map[string]any
		if err := decoder.Decode(&again); err != nil {
			t.Fatalf("as JSON it is none: %v", err)
		}
		if !reflect.DeepEqual(again, document.Root()) {
			t.Errorf("as JSON it is %v, was %v", again, document.Root())
		}
	})
}
