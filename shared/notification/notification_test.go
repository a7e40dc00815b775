package notification_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
)

func TestAlertsAboutTheSameThingHaveOneFingerprint(t *testing.T) {
	t.Parallel()
	base := notification.Alert{
		Severity: notification.SeverityWarning, Title: "new type", Detail: "look at it",
		Source: "green-api", Type: "a", Instance: "1", At: time.Now(),
	}
	same := base
	same.Detail, same.At = "look again", base.At.Add(time.Hour)
	if same.Fingerprint() != base.Fingerprint() {
		t.Error("detail and time tell alerts apart")
	}
	for name, change := range map[string]func(*notification.Alert){
		"severity": func(a *notification.Alert) { a.Severity = notification.SeverityCritical },
		"title":    func(a *notification.Alert) { a.Title = "new types" },
		"source":   func(a *notification.Alert) { a.Source = "shop" },
		"type":     func(a *notification.Alert) { a.Type = "b" },
		"instance": func(a *notification.Alert) { a.Instance = "2" },
		"border":   func(a *notification.Alert) { a.Type, a.Instance = "a1", "" },
	} {
		other := base
		change(&other)
		if other.Fingerprint() == base.Fingerprint() {
			t.Errorf("another %s has the same fingerprint", name)
		}
	}
}

func TestKeyWithAWindowNamesItsBeginning(t *testing.T) {
	t.Parallel()
	identity := notification.Identity{Key: "a"}
	begin := time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)
	elsewhere := begin.In(time.FixedZone("UTC+3", 3*60*60))
	if identity.KeyIn(begin) != identity.KeyIn(elsewhere) {
		t.Error("the key depends on the time zone")
	}
	if identity.KeyIn(begin) == identity.KeyIn(begin.Add(time.Hour)) || identity.KeyIn(begin) == identity.Key {
		t.Error("two windows share a key")
	}
	if (notification.Identity{Key: "b"}).KeyIn(begin) == identity.KeyIn(begin) {
		t.Error("two identities share a key")
	}
}

func TestKindsAreNamedForPeople(t *testing.T) {
	t.Parallel()
	for want, value := range map[string]any{
		"null": nil, "a boolean": true, "a number": json.Number("1"), "a string": "", "an array": []any{}, "an object": map[string]any{},
	} {
		if got := notification.Kind(value); got != want {
			t.Errorf("%#v is %s, want %s", value, got, want)
		}
	}
	if got := notification.Kind(1.5); got != "a number" {
		t.Errorf("1.5 is %s", got)
	}
}

func TestDepthIsThatOfBracketsOutsideOfStrings(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		"": 0, "1": 0, "[]": 1, `{"a":[{}]}`: 3, "]]]][": 0, "[[[": 3, `"[[["`: 0, `["\\",[]]`: 2, `"\"[[`: 0, `[` + `"`: 1,
	} {
		if got := notification.Depth([]byte(body)); got != want {
			t.Errorf("%s nests %d deep, want %d", body, got, want)
		}
	}
}

func TestPointersAreTakenApartAsTheStandardSays(t *testing.T) {
	t.Parallel()
	for pointer, want := range map[string][]string{
		"": nil, "/": {""}, "/a": {"a"}, "/a/0": {"a", "0"}, "/a~1b/c~0d": {"a/b", "c~d"}, "/~01": {"~1"},
	} {
		if got := notification.PointerTokens(pointer); !slices.Equal(got, want) {
			t.Errorf("%q has the tokens %q, want %q", pointer, got, want)
		}
	}
}

func TestFingerprintOfBytesIsThatOfTheWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, body := range []string{"", "a", "A", "a ", strings.Repeat("a", 1<<20)} {
		digest := notification.FingerprintBytes([]byte(body))
		if other, taken := seen[digest]; taken || len(digest) != 32 {
			t.Errorf("%.10q has the fingerprint %q of %.10q", body, digest, other)
		}
		seen[digest] = body
	}
}
