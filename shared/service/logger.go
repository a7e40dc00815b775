package service

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// Formats of the log.
const (
	FormatAuto = "auto" // text on a terminal, JSON elsewhere
	FormatText = "text"
	FormatJSON = "json"
)

// NewLogger makes a logger that writes to out. Level is one of debug, info, warn and error; lines below it are dropped.
// Format is one of the constants above, and an empty one is FormatAuto. The error names the value that is none of them.
// Ids of people are hashed as by [PersonalHash].
func NewLogger(out io.Writer, level, format string) (*slog.Logger, error) {
	return NewPersonalLogger(out, level, format, PersonalHash)
}

// NewPersonalLogger is NewLogger for a log that does with ids of people what mode says, one of the Personal constants.
func NewPersonalLogger(out io.Writer, level, format, mode string) (*slog.Logger, error) {
	personal, err := newPersonal(mode)
	if err != nil {
		return nil, err
	}
	handler, err := newHandler(out, level, format, personal)
	if err != nil {
		return nil, err
	}
	return slog.New(personalHandler{handler, personal}), nil
}

func newHandler(out io.Writer, level, format string, personal *Personal) (slog.Handler, error) {
	var threshold slog.Level
	if err := threshold.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("read log level %q: must be debug, info, warn or error", level)
	}
	switch format {
	case FormatJSON:
		if IsTerminal(out) {
			out = EscapeJSON(out)
		}
		return slog.NewJSONHandler(out, &slog.HandlerOptions{Level: threshold, ReplaceAttr: personal.replace}), nil
	case FormatText:
		return newTextHandler(out, threshold, personal), nil
	case FormatAuto, "":
		if IsTerminal(out) {
			return newHandler(out, level, FormatText, personal)
		}
		return newHandler(out, level, FormatJSON, personal)
	default:
		return nil, fmt.Errorf("read log format %q: must be %s, %s or %s", format, FormatAuto, FormatText, FormatJSON)
	}
}

func newTextHandler(out io.Writer, threshold slog.Level, personal *Personal) slog.Handler {
	return tint.NewTextHandler(out, &tint.Options{
		Level: threshold, TimeFormat: time.TimeOnly, NoColor: !IsTerminal(out), ReplaceAttr: personal.replace,
	})
}
