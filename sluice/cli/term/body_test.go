package term_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"sluice.internal/sluice/cli/term"
)

const more = "… and more; --json has all of it"

func shown(t *testing.T, body string) string {
	t.Helper()
	var written bytes.Buffer
	if err := term.WriteBody(term.NewOutput(&written), []byte(body)); err != nil {
		t.Fatal(err)
	}
	return written.String()
}

func TestBodyIsShownAsJSONAsTextOrInHexadecimal(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, want string }{
		"JSON":              {`{"a":[1,{}, []],"b":"x\\\"{,:]"}`, "  {\n    \"a\": [\n      1,\n      {},\n      []\n    ],\n    \"b\": \"x\\\\\\\"{,:]\"\n  }\n"},
		"a number":          {" 1 ", "  1\n"},
		"text":              {"a\r\n\nb", "  a\n  \n  b\n"},
		"a terminal's code": {"\x1b[2J\u202e", "  \ufffd[2J\ufffd\n"},
		"no text":           {"\xff\x00", "  ff00\n"},
		"nothing":           {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := shown(t, test.body); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestNoBodyIsShownBeyondABound(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nested arrays":    strings.Repeat("[", 9990) + strings.Repeat("]", 9990),
		"siblings, nested": "[" + strings.TrimSuffix(strings.Repeat(strings.Repeat("[", 256)+strings.Repeat("]", 256)+",", 512), ",") + "]",
		"many values":      "[" + strings.Repeat("0,", 1<<20) + "0]",
		"one long string":  `"` + strings.Repeat("x", 8<<20) + `"`,
		"one long line":    strings.Repeat("x", 8<<20),
		"many short lines": strings.Repeat("x\n", 1<<20),
		"many empty lines": strings.Repeat("\n", 1<<20),
		"no text":          strings.Repeat("\xff", 8<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := shown(t, body)
			if len(got) > 1<<20 || strings.Count(got, "\n") > 1001 {
				t.Errorf("%d bytes of output, %d lines, for a body of %d", len(got), strings.Count(got, "\n"), len(body))
			}
			if !strings.HasSuffix(got, more+"\n") {
				t.Errorf("it does not say that there is more, but ends with %q", got[max(0, len(got)-100):])
			}
		})
	}
}

func FuzzShownJSONIsAsJSONIndentsIt(f *testing.F) {
	for _, body := range []string{`{}`, `[[],{"a":{}}]`, `"\\"`, `"\\\""`, ` [ 1 , "," ] `, `null`, `{"a":1.50e+9,"b":[true,false]}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var want bytes.Buffer
		if len(body) > 4<<10 || json.Indent(&want, []byte(body), "", "  ") != nil {
			return
		}
		got := shown(t, body)
		if strings.HasSuffix(got, more+"\n") {
			return
		}
		lines := ""
		for line := range strings.Lines(strings.TrimRight(want.String(), " \t\r\n")) {
			lines += "  " + term.Printable(strings.TrimRight(line, "\n")) + "\n"
		}
		if got != lines && strings.ToValidUTF8(body, "") == body {
			t.Errorf("got  %q\nwant %q", got, lines)
		}
	})
}
