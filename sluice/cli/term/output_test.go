package term_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"

	"sluice.internal/sluice/cli/term"
)

// terminal is a buffer that says that a person reads it.
type terminal struct{ bytes.Buffer }

func (*terminal) IsTerminal() bool { return true }

// hostile has what terminals take for commands, what turns text around, and what looks like nothing.
const hostile = "\x1b[2J \u009b2J \u202e \u2066 \x7f \u00ad \U000e0001 ü 漢 😀"

func checkHarmless(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%U is in %q", r, text)
		}
	}
}

func TestJSONOnATerminalHasNothingThatMovesTheCursor(t *testing.T) {
	t.Parallel()
	type document struct {
		Text string
		Body json.RawMessage
	}
	body, err := json.Marshal(map[string]string{"a": hostile})
	if err != nil {
		t.Fatal(err)
	}
	want := document{Text: hostile, Body: body}
	var shown terminal
	out := term.NewOutput(&shown)
	if err := errors.Join(out.Object(want), out.Flush()); err != nil {
		t.Fatal(err)
	}
	checkHarmless(t, shown.String())
	for _, kept := range []string{"ü", "漢", "😀"} {
		if strings.Count(shown.String(), kept) != 2 {
			t.Errorf("%s is not as it was in %s", kept, &shown)
		}
	}
	var got struct {
		Text string
		Body map[string]string
	}
	if err := json.Unmarshal(shown.Bytes(), &got); err != nil || got.Text != hostile || got.Body["a"] != hostile {
		t.Errorf("parsed it is %+v, %v", got, err)
	}
}

func TestJSONElsewhereIsAsItCame(t *testing.T) {
	t.Parallel()
	var written bytes.Buffer
	out := term.NewOutput(&written)
	if err := errors.Join(out.Object("<\u009b\u202e>"), out.Flush()); err != nil {
		t.Fatal(err)
	}
	if want := "\"<\u009b\u202e>\"\n"; written.String() != want {
		t.Errorf("got %q, want %q", &written, want)
	}
}

func TestDiagnosticsOnATerminalAreHarmless(t *testing.T) {
	t.Parallel()
	var shown terminal
	term.NewDiagnostics(&shown).Error("first: %s\nsecond: %s", hostile, hostile)
	checkHarmless(t, shown.String())
	if lines := strings.Split(shown.String(), "\n"); len(lines) != 3 || !strings.HasPrefix(lines[0], "sluice: first: ") {
		t.Errorf("got %q", &shown)
	}
}

func TestFirstErrorOfAWriteStays(t *testing.T) {
	t.Parallel()
	reader, writer := io.Pipe()
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	out := term.NewOutput(writer)
	if err := out.Line("%s", strings.Repeat("x", 1<<20)); err == nil {
		t.Error("a line was written to a reader that is gone")
	}
	var failed *term.OutputError
	if err := out.Flush(); !errors.As(err, &failed) || !failed.Closed() {
		t.Errorf("error %v", err)
	}
}
