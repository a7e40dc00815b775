package body_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"sluice.internal/shared/body"
)

// asJSON stands for the reader of JSON: parts of that type, and objects, are JSON.
func asJSON(_, mediaType string, text []byte) (value any, isJSON bool, err error) {
	declared := mediaType == "application/json"
	if !declared && !bytes.HasPrefix(text, []byte("{")) {
		return nil, false, nil
	}
	if err := json.Unmarshal(text, &value); err != nil {
		if declared {
			return nil, false, errors.New("is no JSON")
		}
		return nil, false, nil
	}
	return value, true, nil
}

// part is one of a body that is written for a test.
type part struct {
	disposition, contentType, content string
}

// written returns a multipart body and its content type.
func written(t testing.TB, parts ...part) (contentType string, raw []byte) {
	t.Helper()
	var buffer bytes.Buffer
	writer := multipart.NewWriter(&buffer)
	for _, one := range parts {
		header := textproto.MIMEHeader{}
		if one.disposition != "" {
			header.Set("Content-Disposition", one.disposition)
		}
		if one.contentType != "" {
			header.Set("Content-Type", one.contentType)
		}
		to, err := writer.CreatePart(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write([]byte(one.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return writer.FormDataContentType(), buffer.Bytes()
}

func TestPartsAreFieldsAndFilesAreNamed(t *testing.T) {
	t.Parallel()
	contentType, raw := written(t,
		part{`form-data; name="payload"`, "application/json", `{"event":"media.play","n":[1]}`},
		part{`form-data; name="rawRequest"`, "", `{"q1":"a"}`},
		part{`form-data; name="text"`, "", "one & two"},
		part{`form-data; name="text"`, "text/plain; charset=windows-1251", string(encoded(t, charmap.Windows1251, "три"))},
		part{`form-data; name="note"`, "", `{no JSON`},
		part{`form-data; name="thumb"; filename="C:\\x\\..\\thumb.jpg"`, "image/jpeg", "\xff\xd8\xff"},
		part{`form-data; name="thumb"; filename="фото.png"`, "image/png", "\x89PNG"},
		part{`form-data; name="json"; filename="blob"`, "application/json", `{"a":1}`},
		part{`form-data; name=data[x]`, "", "loose"},
		part{"", "", "nameless"},
	)
	read, err := body.ParseMultipart(contentType, raw, asJSON)
	want := map[string]any{
		"payload": map[string]any{"event": "media.play", "n": []any{1.0}}, "rawRequest": map[string]any{"q1": "a"},
		"text": []any{"one & two", "три"}, "note": "{no JSON", "json": map[string]any{"a": 1.0}, "data[x]": "loose", "9": "nameless",
		"thumb": []any{
			map[string]any{"name": "thumb", "filename": "thumb.jpg", "type": "image/jpeg", "size": json.Number("3")},
			map[string]any{"name": "thumb", "filename": "фото.png", "type": "image/png", "size": json.Number("4")},
		},
	}
	if got := read.Object(); err != nil || !reflect.DeepEqual(got, want) || read.Cut || read.Replaced != nil {
		t.Errorf("%v\nwant %v, cut %t, replaced %v, %v", got, want, read.Cut, read.Replaced, err)
	}
}

func TestMultipartIsReadWhereItIsNotAsItShouldBe(t *testing.T) {
	t.Parallel()
	const multi = "multipart/form-data; boundary=b"
	head := "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
	for name, c := range map[string]struct {
		contentType, raw string
		want             map[string]any
		cut              bool
	}{
		"no boundary named":   {"multipart/form-data", head + "1\r\n--b--\r\n", map[string]any{"a": "1"}, false},
		"a preamble":          {multi, "hello\r\n" + head + "1\r\n--b--\r\nbye", map[string]any{"a": "1"}, false},
		"bare line feeds":     {multi, strings.ReplaceAll(head+"1\r\n--b--\r\n", "\r", ""), map[string]any{"a": "1"}, false},
		"an empty form":       {multi, "--b--\r\n", map[string]any{}, false},
		"without its end":     {multi, head + "1\r\n--b\r\n", map[string]any{"a": "1"}, true},
		"cut within a part":   {multi, head + "12", map[string]any{"a": "12"}, true},
		"cut within a header": {multi, head + "1\r\n--b\r\nContent-Dis", map[string]any{"a": "1"}, true},
		"base64": {
			multi, "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n--b--\r\n",
			map[string]any{"a": "hi"},
			false,
		},
		"quoted-printable": {
			multi, "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=D0=90\r\n--b--\r\n",
			map[string]any{"a": "А"},
			false,
		},
	} {
		read, err := body.ParseMultipart(c.contentType, []byte(c.raw), asJSON)
		if got := read.Object(); err != nil || !reflect.DeepEqual(got, c.want) || read.Cut != c.cut {
			t.Errorf("%s: %v, cut %t, %v", name, got, read.Cut, err)
		}
	}
	read, err := body.ParseMultipart(multi, []byte(head+"\xff\r\n--b--\r\n"), asJSON)
	if err != nil || !slices.Equal(read.Replaced, []string{"a"}) {
		t.Errorf("what is no text: %v, replaced %v, %v", read.Object(), read.Replaced, err)
	}
}

func TestWhatIsNoMultipartIsTold(t *testing.T) {
	t.Parallel()
	var flood strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&flood, "--b\r\nContent-Disposition: form-data; name=%d\r\n\r\n\r\n", i)
	}
	for raw, says := range map[string]string{
		"": "no part begins", "a=1": "no part begins", flood.String() + "--b--": "more than 1000 parts",
		"--b\r\nContent-Disposition: form-data; name=a\r\nContent-Type: application/json\r\n\r\n{\r\n--b--": `a part "a" that is no JSON`,
		"--b\r\n" + strings.Repeat("X: y\r\n", 20_000) + "\r\n1\r\n--b--":                                   "no part begins",
	} {
		if _, err := body.ParseMultipart("multipart/form-data; boundary=b", []byte(raw), asJSON); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40q: %v, want %q", raw, err, says)
		}
	}
	if _, err := body.ParseMultipart("multipart/form-data", []byte("a"), asJSON); err == nil || !strings.Contains(err.Error(), "without a boundary") {
		t.Errorf("without any boundary: %v", err)
	}
}

func FuzzParseMultipart(f *testing.F) {
	contentType, raw := written(f, part{`form-data; name="a"`, "application/json", `{"a":[1]}`}, part{`form-data; name="b"; filename="c"`, "a/b", "x"})
	f.Add(contentType, raw)
	f.Add("multipart/x; boundary=b", []byte(strings.Repeat("--b\r\n\r\n\r\n", 900)))
	f.Add("multipart/x; boundary=b", []byte("--b\r\n"+strings.Repeat("X: y\r\n", 9_000)+"\r\n1\r\n--b--"))
	f.Add("multipart/x; boundary=-", []byte(strings.Repeat("-", 64<<10)))
	f.Fuzz(func(t *testing.T, contentType string, raw []byte) {
		limit.Check(t, len(raw), func() {
			if read, err := body.ParseMultipart(contentType, raw, asJSON); err == nil {
				read.Object()
			}
		})
	})
}
