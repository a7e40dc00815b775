package body_test

import (
	"reflect"
	"strings"
	"testing"

	"sluice.internal/shared/body"
)

func TestXMLIsADocumentOfItsElements(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]any{
		`<id>7</id>`:                         {"id": "7"},
		`<id/>`:                              {"id": ""},
		"\n<a>\n  <b> x </b>\n</a>\n":        {"a": map[string]any{"b": "x"}},
		`<a><b>1</b><b>2</b><b>3</b></a>`:    {"a": map[string]any{"b": []any{"1", "2", "3"}}},
		`<a k="v">text</a>`:                  {"a": map[string]any{"@k": "v", "#text": "text"}},
		`<a>one<b/>two</a>`:                  {"a": map[string]any{"b": "", "#text": "onetwo"}},
		`<a>&lt;&amp;&#1078;&nbsp;x</a>`:     {"a": "<&ж\u00a0x"},
		`<a><![CDATA[<b>&</b>]]></a>`:        {"a": "<b>&</b>"},
		`<a><!-- no --><?pi no?>x</a>`:       {"a": "x"},
		`<!DOCTYPE a SYSTEM "x"><a>1</a>`:    {"a": "1"},
		`<a><b><c/></b><b/></a>`:             {"a": map[string]any{"b": []any{map[string]any{"c": ""}, ""}}},
		`<a b="1"><b>2</b></a>`:              {"a": map[string]any{"@b": "1", "b": "2"}},
		`<a x:id="1" y:id="2" xmlns:x="u"/>`: {"a": map[string]any{"@id": []any{"1", "2"}}},
		`<?xml version="1.0" encoding="utf-16"?><s:E xmlns:s="urn:s" xmlns="urn:d"><s:B><d>1</d></s:B></s:E><!-- end -->`: {
			"E": map[string]any{"B": map[string]any{"d": "1"}},
		},
	} {
		if got, err := body.ParseXML([]byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestXMLThatIsNoneOrHostileIsTold(t *testing.T) {
	t.Parallel()
	laughs := `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>`
	for text, says := range map[string]string{
		"": "no element", "<!-- only a comment -->": "no element", "hello": "text outside", "<a>": "unexpected EOF", "<a></b>": "closed by",
		"<a/><b/>": "second outermost", "<a/>x": "text outside", "<a b=1/>": "unquoted", "<a>\x01</a>": "illegal character",
		laughs + "<l>&c;</l>": "invalid character entity",
		`<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><l>&x;</l>`: "invalid character entity",
		`<a b="1" b="2"/>`:                                   `the attribute "b" twice`,
		strings.Repeat("<a>", 200):                           "more than 100 elements deep",
		"<l>" + strings.Repeat("<a/>", 200_000) + "</l>":     "more than 100000 elements",
		"<l" + strings.Repeat(` a=""`, 200_000) + "/>":       "more than 100000 attributes",
		"<" + strings.Repeat("x", 10_000) + ` b="1" b="2"/>`: "xxx…",
	} {
		if _, err := body.ParseXML([]byte(text)); err == nil || !strings.Contains(err.Error(), says) || len(err.Error()) > 300 {
			t.Errorf("%.60s: %v, want %q", text, err, says)
		}
	}
}

func FuzzParseXML(f *testing.F) {
	for _, text := range []string{
		`<a b="c">&amp;<d/><d/></a>`, `<!DOCTYPE l [<!ENTITY a "ha">]><l>&a;</l>`, "<a", `<a xmlns:b="c" b:d='e'/>`, "<?xml?><a/>",
		"<l>" + strings.Repeat("<a/>", 10_000) + "</l>", "<l " + strings.Repeat(`a=""`, 10_000) + "/>", strings.Repeat("<a>", 20_000),
		"<l>" + strings.Repeat("<a>"+"<b/>"+"</a>", 5_000) + "</l>", "<!" + strings.Repeat("<", 60_000), "<a>" + strings.Repeat("&amp;", 10_000) + "</a>",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		limit.Check(t, len(text), func() {
			if root, err := body.ParseXML(text); err == nil && len(root) != 1 {
				t.Errorf("%d outermost elements", len(root))
			}
		})
	})
}
