package service_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"sluice.internal/shared/service"
)

const person = "79001234567@c.us"

// personalLog logs a person in every way that there is and returns what was written.
func personalLog(t *testing.T, format, mode string, key []byte) string {
	t.Helper()
	var out bytes.Buffer
	log, err := service.NewPersonalLogger(&out, "debug", format, mode)
	if err != nil {
		t.Fatal(err)
	}
	derived := log.With("group", "default").WithGroup("inner")
	service.SetPersonalKey(log, key)
	derived.Info("by a derived log", "chat_id", person)
	log.With("chat_id", person, "order_key", person).Warn("bound", "status", "offer")
	log.Info("incoming call from "+person, slog.Group("of", "phone", "79001234567"))
	log.Error("handler failed", "error", errors.New(`no customer "`+person+`" in group 79001234567-1480000000@g.us`))
	log.Debug("faults", "faults", []any{map[string]string{"message": person + " is not valid"}}, "sender", 79001234567)
	return out.String()
}

func TestLogShowsNoPerson(t *testing.T) {
	t.Parallel()
	key := []byte("the installation's")
	for _, format := range []string{service.FormatJSON, service.FormatText} {
		for _, mode := range []string{service.PersonalHash, service.PersonalDrop, ""} {
			got := personalLog(t, format, mode, key)
			if strings.Contains(got, "79001234567") {
				t.Errorf("%s, %q:\n%s", format, mode, got)
			}
			if lines := strings.Count(got, "\n"); lines != 5 || !strings.Contains(got, "offer") {
				t.Errorf("%s, %q: %d lines:\n%s", format, mode, lines, got)
			}
		}
		if got := personalLog(t, format, service.PersonalKeep, key); strings.Count(got, "79001234567") != 9 {
			t.Errorf("%s, keep:\n%s", format, got)
		}
	}
}

// The lines of one chat can be found by its digest, also those that name it in a text.
func TestLinesOfOneChatHaveOneDigest(t *testing.T) {
	t.Parallel()
	key := []byte("the installation's")
	digest := service.Digest(key, person)
	if got := personalLog(t, service.FormatJSON, service.PersonalHash, key); strings.Count(got, digest) != 6 {
		t.Errorf("not 6 times %s:\n%s", digest, got)
	}
	if other := service.Digest([]byte("another"), person); other == digest || service.Digest(key, person+" ") != digest {
		t.Errorf("digests %s, %s", digest, other)
	}
}

// Without a key everybody could try all numbers.
func TestWithoutAKeyIdsAreDropped(t *testing.T) {
	t.Parallel()
	got := personalLog(t, service.FormatJSON, service.PersonalHash, nil)
	if strings.Contains(got, "79001234567") || strings.Contains(got, "h:") || strings.Contains(got, "chat_id") {
		t.Error(got)
	}
}

func TestUnknownWayToLogPeopleIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := service.NewPersonalLogger(&bytes.Buffer{}, "info", "json", "blur"); err == nil || !strings.Contains(err.Error(), `"blur"`) {
		t.Errorf("error %v", err)
	}
	service.SetPersonalKey(slog.New(slog.DiscardHandler), []byte("of no use")) // Leaves somebody else's log alone.
}
