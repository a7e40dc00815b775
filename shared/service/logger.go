// Package service has what every process of Sluice needs: a logger, signals, a group of parts that start and
// stop in order, and the listener for health and metrics. It knows nothing of notifications.
package service

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
)

// Formats of the log.
const (
	FormatAuto = "auto" // text on a terminal, JSON elsewhere
	FormatText = "text"
	FormatJSON = "json"
)

// NewLogger makes a logger that writes to out. Level is one of debug, info, warn and error.
func NewLogger(out io.Writer, level, format string) (*slog.Logger, error) {
	var threshold slog.Level
	if err := threshold.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("read log level %q: must be debug, info, warn or error", level)
	}
	switch format {
	case FormatJSON:
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: threshold})), nil
	case FormatText:
		return slog.New(newTextHandler(out, threshold)), nil
	case FormatAuto, "":
		if IsTerminal(out) {
			return NewLogger(out, level, FormatText)
		}
		return NewLogger(out, level, FormatJSON)
	default:
		return nil, fmt.Errorf("read log format %q: must be %s, %s or %s", format, FormatAuto, FormatText, FormatJSON)
	}
}

func newTextHandler(out io.Writer, threshold slog.Level) slog.Handler {
	return tint.NewTextHandler(out, &tint.Options{Level: threshold, TimeFormat: time.TimeOnly, NoColor: !IsTerminal(out)})
}

// IsTerminal tells whether a person reads what is written to out.
func IsTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}
