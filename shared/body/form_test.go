package body_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"sluice.internal/shared/body"
	"sluice.internal/shared/costtest"
)

const form = "application/x-www-form-urlencoded"

// The cases with a semicolon, a bare percent sign, empty sequences, invalid UTF-8 and byte order marks are those of the
// standard's own tests.
// Source: https://github.com/web-platform-tests/wpt/blob/master/url/resources/urlencoded-parser.any.js and
// https://github.com/web-platform-tests/wpt/blob/master/url/urlencoded-parser.any.js
func TestFormIsReadAsTheURLStandardHasIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]any{
		"test":                         {"test": ""},
		"\uFEFFtest=\uFEFF":            {"\uFEFFtest": "\uFEFF"},
		"%EF%BB%BFtest=%EF%BB%BF":      {"\uFEFFtest": "\uFEFF"},
		"%EF%BF%BF=%EF%BF%BF":          {"\uFFFF": "\uFFFF"},
		"%FE%FF":                       {"\uFFFD\uFFFD": ""},
		"%FF%FE":                       {"\uFFFD\uFFFD": ""},
		"†&†=x":                        {"†": []any{"", "x"}},
		"%C2":                          {"\uFFFD": ""},
		"%C2x":                         {"\uFFFDx": ""},
		"a=%E2%82":                     {"a": "\uFFFD"},
		"_charset_=windows-1252&x=%A3": {"_charset_": "windows-1252", "x": "£"},
		"":                             nil,
		"a":                            {"a": ""},
		"a=b":                          {"a": "b"},
		"a=":                           {"a": ""},
		"=b":                           {"": "b"},
		"&":                            {},
		"&a":                           {"a": ""},
		"a&":                           {"a": ""},
		"a&a":                          {"a": []any{"", ""}},
		"a&b&c":                        {"a": "", "b": "", "c": ""},
		"a=b&c=d&":                     {"a": "b", "c": "d"},
		"&&&a=b&&&&c=d&":               {"a": "b", "c": "d"},
		"a=a&a=b&a=c":                  {"a": []any{"a", "b", "c"}},
		"a==a":                         {"a": "=a"},
		"a=a+b+c+d":                    {"a": "a b c d"},
		"%=a":                          {"%": "a"},
		"%a=a":                         {"%a": "a"},
		"%a_=a":                        {"%a_": "a"},
		"%61=a":                        {"a": "a"},
		"%61+%4d%4D=":                  {"a MM": ""},
		"id=0&value=%":                 {"id": "0", "value": "%"},
		"b=%2sf%2a":                    {"b": "%2sf*"},
		"b=%2%2af%2a":                  {"b": "%2*f*"},
		"b=%%2a":                       {"b": "%*"},
		"event=note&id=7&text=one;two": {"event": "note", "id": "7", "text": "one;two"},
		"discount=100%&sum=5":          {"discount": "100%", "sum": "5"},
	} {
		fields, err := body.ParseForm(form, []byte(text))
		if want == nil {
			if err == nil {
				t.Errorf("%q is a form", text)
			}
			continue
		}
		if got := fields.Object(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestFormIsReadByItsCharset(t *testing.T) {
	t.Parallel()
	const escaped1251 = "name=%C0%ED%ED%E0&city=%CC%EE%F1%EA%E2%E0"
	want := map[string]any{"name": "Анна", "city": "Москва"}
	for contentType, text := range map[string]string{
		form + "; charset=windows-1251":               escaped1251,
		form + "; charset=Windows-1251; x":            string(encoded(t, charmap.Windows1251, "name=Анна&city=Москва")),
		form + "; charset=koi8-r":                     "name=%E1%CE%CE%C1&city=%ED%CF%D3%CB%D7%C1",
		form + "; charset=windows-1251; said-wrongly": "name=%D0%90%D0%BD%D0%BD%D0%B0&city=%D0%9C%D0%BE%D1%81%D0%BA%D0%B2%D0%B0",
	} {
		fields, err := body.ParseForm(contentType, []byte(text))
		if got := fields.Object(); err != nil || !reflect.DeepEqual(got, want) || fields.Replaced != nil {
			t.Errorf("%s: %v, replaced %v, %v", contentType, got, fields.Replaced, err)
		}
	}
	fields, err := body.ParseForm(form, []byte(escaped1251))
	if err != nil || !slices.Equal(fields.Replaced, []string{"name", "city"}) {
		t.Errorf("without a charset: %v, replaced %v, %v", fields.Object(), fields.Replaced, err)
	}
	fields, err = body.ParseForm(form+"; charset=nonsense", []byte("a=%ff&a=%fe&b=\uFFFD"))
	if err != nil || !slices.Equal(fields.Replaced, []string{"a"}) {
		t.Errorf("an unknown charset: %v, replaced %v, %v", fields.Object(), fields.Replaced, err)
	}
}

func TestFormsHaveABoundedNumberOfFields(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{"": "is empty", strings.Repeat("a=1&", 20_000): "more than 10000 fields"} {
		if _, err := body.ParseForm(form, []byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.10s: %v, want %q", text, err, says)
		}
	}
}

// limit is what reading a body may cost: some twenty values of a few hundred bytes for each hundred bytes, at the worst.
var limit = costtest.Limit{Base: 1 << 20, PerByte: 300, MaxMemory: 160 << 20, CPUPerMiB: 2 * time.Second}

func FuzzParseForm(f *testing.F) {
	f.Add("", []byte("a=%zz&%&=&a;b=%ff"))
	f.Add("; charset=gbk", []byte("a=%ff%81%"))
	f.Add("", []byte(strings.Repeat("a&", 9000)))
	f.Fuzz(func(t *testing.T, contentType string, text []byte) {
		limit.Check(t, len(text), func() {
			if fields, err := body.ParseForm(contentType, text); err == nil {
				fields.Object()
			}
		})
	})
}
