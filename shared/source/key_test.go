package source_test

import (
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
)

// mapped is a notification of a source that reads it so.
func mapped(provider, body string, mapping source.Mapping, fields ...string) *notification.Notification {
	n := came(provider, body, fields...)
	n.Mapping, n.RequestID, n.ReceivedAt = mapping.Encode(), "request-1", time.Unix(1749207600, 5)
	return n
}

// Equal bodies without an id may be different facts, or the same one sent again. They are the same for a short time.
func TestWhatOnlyItsBodyTellsApartIsTheSameForAShortTime(t *testing.T) {
	t.Parallel()
	order := source.Mapping{Type: "constant:a", ID: []string{"/id"}}
	for sentence, test := range map[string]struct {
		n    *notification.Notification
		want time.Duration
	}{
		"generic without an id":            {mapped("generic", `{"a":1}`, source.Mapping{Type: "constant:a"}), time.Minute},
		"generic with an id that is empty": {mapped("generic", `{"a":1}`, order), time.Minute},
		"generic with an id":               {mapped("generic", `{"id":1}`, order), 0},
		"GitHub without a delivery":        {came("github", `{}`, "X-GitHub-Event", "push"), time.Minute},
		"GitHub with one":                  {came("github", `{}`, "X-GitHub-Event", "push", "X-GitHub-Delivery", "d"), 0},
		"a source's own window":            {mapped("generic", `{"a":1}`, source.Mapping{Type: "constant:a", Window: time.Hour}), time.Hour},
		"a window of an id":                {mapped("generic", `{"id":1}`, source.Mapping{Type: "constant:a", ID: []string{"/id"}, Window: time.Hour}), time.Hour},
		"another provider's":               {mapped("dropbox", `{}`, source.Mapping{Window: time.Hour}), time.Hour},
		"Dropbox' own":                     {came("dropbox", `{}`), 2 * time.Second},
		"each its own":                     {mapped("generic", `{"a":1}`, source.Mapping{Type: "constant:a", EachOwn: true}), 0},
	} {
		if got := identityOf(t, test.n).Window; got != test.want {
			t.Errorf("%s: the same for %s, want %s", sentence, got, test.want)
		}
	}
	former := mapped("generic", `{"a":1}`, source.Mapping{Type: "constant:a"})
	former.Former = true
	if got := identityOf(t, former).Window; got != 0 {
		t.Errorf("what was stored before windows were short: %s", got)
	}
}

func TestEachRequestIsItsOwnWhereTheSourceSaysSo(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]*notification.Notification{
		"generic": mapped("generic", `{"id":1}`, source.Mapping{Type: "constant:a", ID: []string{"/id"}, EachOwn: true}),
		"stripe":  mapped("stripe", `{"id":"evt_1","type":"a"}`, source.Mapping{EachOwn: true}),
	} {
		first := identityOf(t, n).Key
		if again := identityOf(t, n).Key; again != first {
			t.Errorf("%s: the same request has another key when it is taken in again", name)
		}
		other := *n
		other.RequestID = "request-2"
		if identityOf(t, &other).Key == first {
			t.Errorf("%s: two requests have one key", name)
		}
	}
}

func TestWindowsThatMeanNothingAreRefused(t *testing.T) {
	t.Parallel()
	for want, read := range map[string]config.Mapping{
		"between 0 and 24h":                    {Window: 25 * time.Hour},
		"between 0 and 24h0m0s":                {Window: -time.Second},
		"means nothing with each: own":         {Window: time.Second, Each: config.EachOwn},
		"apart from type, window and each":     {Order: "/a"},
		`place "nowhere" is no place`:          {Type: "nowhere"},
		"is for provider generic, apart from ": {Instance: "/a"},
	} {
		faults := source.Known()["standard-webhooks"].Check(config.Source{Provider: "standard-webhooks", Auth: config.AuthSignature, Read: read})
		if len(faults) == 0 || !strings.Contains(faults[0].Message, want) {
			t.Errorf("%+v: %v, want %q", read, faults, want)
		}
	}
}

func TestTypeOfStandardWebhooksMayBeElsewhere(t *testing.T) {
	t.Parallel()
	n := mapped("standard-webhooks", `{"email_data":{"email_action_type":"signup"},"type":"x"}`,
		source.Mapping{Type: "/email_data/email_action_type"}, "webhook-id", "msg_1")
	n.Type, n.Instance = source.Providers()["standard-webhooks"].Peek(n)
	if got := identityOf(t, n); got.Type != "signup" || n.Type != "signup" {
		t.Errorf("type %q, to the gateway %q", got.Type, n.Type)
	}
}
