package value

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is text that can be compared with == and is shown by Reveal alone: every way to print, log or marshal it
// gives "[redacted]". The zero value is the empty secret.
type Secret struct {
	text string
}

// NewSecret keeps the text secret from here on.
func NewSecret(text string) Secret {
	return Secret{text}
}

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	return s.text
}

// String returns "[redacted]".
func (Secret) String() string {
	return redacted
}

// Format writes "[redacted]" for every verb; String alone would leave %d and %#v open.
func (Secret) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, redacted)
}

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) {
	return []byte(redacted), nil
}

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value {
	return slog.StringValue(redacted)
}
