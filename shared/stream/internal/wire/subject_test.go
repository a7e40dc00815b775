package wire_test

import (
	"strings"
	"testing"

	"sluice.internal/shared/stream/internal/wire"
)

func FuzzToken(f *testing.F) {
	for _, seed := range []string{"", "a", "a.b", "*", ">", "ä ö", "\xff", strings.Repeat("ж", 100), "$JS", "\u2028"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token := wire.Token(text)
		if token == "" || len(token) > 64 || strings.ContainsAny(token, ".*> \t\r\n\x00") {
			t.Errorf("Token(%q) = %q", text, token)
		}
		if again := wire.Token(token); again != token {
			t.Errorf("Token(%q) = %q, and again %q", text, token, again)
		}
	})
}
