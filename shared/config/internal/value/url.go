package value

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
)

// URL is where NATS servers are: one or more, separated by commas. User and password in it are shown by Reveal alone.
type URL struct {
	text string
}

var errURL = errors.New("is not an address of NATS; write for example nats://127.0.0.1:4222")

// ParseURL accepts what nats.Connect does: servers as nats://, tls://, ws://, wss:// or as host:port.
// Its error does not repeat the text, which may hold a password.
func ParseURL(text string) (URL, error) {
	for server := range strings.SplitSeq(text, ",") {
		if !isServer(strings.TrimSpace(server)) {
			return URL{}, errURL
		}
	}
	return URL{text}, nil
}

func isServer(text string) bool {
	if !strings.Contains(text, "://") {
		// A password with a comma in it would be taken apart here, and its first half be printed as a host.
		if strings.Contains(text, "@") {
			return false
		}
		text = "nats://" + text
	}
	u, err := url.Parse(text)
	return err == nil && u.Hostname() != "" && slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme)
}

// Reveal returns the text itself, for nats.Connect.
func (u URL) Reveal() string {
	return u.text
}

// HasUser reports whether a user, password or token stands in the text of a URL.
func HasUser(text string) bool {
	return strings.Contains(text, "@")
}

// String returns the servers with "[redacted]" for user and password.
func (u URL) String() string {
	if !HasUser(u.text) {
		return u.text
	}
	servers := strings.Split(u.text, ",")
	for i, server := range servers {
		scheme, rest, _ := strings.Cut(server, "://")
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			servers[i] = scheme + "://" + redacted + rest[at:]
		}
	}
	return strings.Join(servers, ",")
}

// Format writes String for every verb.
func (u URL) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, u.String())
}

// MarshalText is String.
func (u URL) MarshalText() ([]byte, error) {
	return []byte(u.String()), nil
}

// LogValue is String.
func (u URL) LogValue() slog.Value {
	return slog.StringValue(u.String())
}
