package service_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"sluice.internal/shared/service"
)

// terminal is a buffer that says that a person reads it.
type terminal struct{ bytes.Buffer }

func (*terminal) IsTerminal() bool { return true }

func TestJSONLogOnATerminalHasNothingThatMovesTheCursor(t *testing.T) {
	t.Parallel()
	const hostile = "\u009b2J\u202e\x7fü"
	var shown terminal
	log, err := service.NewLogger(&shown, "info", service.FormatJSON)
	if err != nil {
		t.Fatal(err)
	}
	log.Info("received", "type", hostile)
	if strings.ContainsAny(shown.String(), "\u009b\u202e\x7f") || !strings.Contains(shown.String(), "ü") {
		t.Errorf("shown is %q", &shown)
	}
	var line struct{ Type string }
	if err := json.Unmarshal(shown.Bytes(), &line); err != nil || line.Type != hostile {
		t.Errorf("parsed it is %+v, %v", line, err)
	}
}
