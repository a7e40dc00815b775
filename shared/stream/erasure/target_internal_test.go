package erasure

import (
	"strings"
	"testing"
)

func TestDigestIsThatOfItsIdAndAnotherEachTime(t *testing.T) {
	t.Parallel()
	first, err := Digest("79001234567@c.us")
	if err != nil {
		t.Fatal(err)
	}
	second, err := Digest("79001234567@c.us")
	if err != nil || first == second || strings.Contains(first, "7900") {
		t.Errorf("digests %s and %s, error %v", first, second, err)
	}
	if !Matches(first, "79001234567@c.us") || Matches(first, "79001234568@c.us") {
		t.Error("the digest is not that of its id")
	}
	for _, broken := range []string{"", "a$b$c$d", digestName + "$0$$", digestName + "$99999999999$$", digestName + "$1$?$?", first + "$"} {
		if Matches(broken, "79001234567@c.us") {
			t.Errorf("%q matches", broken)
		}
	}
}

func TestTargetNamesWhatCanBeMeant(t *testing.T) {
	t.Parallel()
	for want, target := range map[string]Target{
		"no id":       {Source: "green-api"},
		"is empty":    {Chats: []string{""}},
		"white space": {Instances: []string{" 1101000001"}},
		"controls":    {Keys: []string{"a\nb"}},
		"bytes":       {Keys: []string{strings.Repeat("x", 2000)}},
		"too short":   {Chats: []string{"123"}},
	} {
		if err := target.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", target, err, want)
		}
	}
	if err := (Target{Keys: []string{"k"}, Chats: []string{"79001234567@c.us"}}).Check(); err != nil {
		t.Error(err)
	}
}
