package source_test

import (
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
)

func TestInstanceIsTheSameHoweverItsNumberIsWritten(t *testing.T) {
	t.Parallel()
	const (
		before = `{"typeWebhook":"stateInstanceChanged","timestamp":1790000000,"stateInstance":"authorized","instanceData":{"idInstance":`
		behind = `,"typeInstance":"whatsapp"}}`
	)
	var key string
	for _, number := range []string{`1101000001`, `1101000001.0`, `1.101000001e9`, `"1101000001"`, `0001101000001`, `11010000010E-1`} {
		n := notification.Notification{Origin: notification.Origin{Source: "shop", Provider: "green-api", Body: []byte(before + number + behind)}}
		if _, instance := source.Providers()["green-api"].Peek(&n); instance != "1101000001" {
			t.Errorf("%s: the gateway sees instance %q", number, instance)
		}
		read, fault := source.Interpret(source.Providers(), &n)
		if fault != nil {
			t.Fatalf("%s: %+v", number, fault)
		}
		if read.Identity.Instance != "1101000001" || key != "" && read.Identity.Key != key {
			t.Errorf("%s: identity %+v", number, read.Identity)
		}
		key = read.Identity.Key
	}
}

// Two that differ are two events, also where what tells them apart otherwise is missing.
func TestNotificationsWithoutWhatIdentifiesThemAreNotFolded(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"incomingCall", "outgoingCall", "outgoingMessageStatus", "stateInstanceChanged", "statusInstanceChanged"} {
		seen := map[string]bool{}
		for _, rest := range []string{`"a":1`, `"a":2`, `"idMessage":{},"a":1`, `"idMessage":null,"from":"1","chatId":"1","stateInstance":7.5e-9,"statusInstance":[]`} {
			seen[identityOf(t, came("green-api", `{"typeWebhook":"`+kind+`","timestamp":5,`+rest+`}`)).Key] = true
		}
		if len(seen) != 4 {
			t.Errorf("%s: %d keys of 4 bodies", kind, len(seen))
		}
	}
}

func TestSendersTimeIsReadHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	at := time.Unix(1790000036, 0).UTC()
	for written, want := range map[string]time.Time{
		`1790000036`: at, `"1790000036"`: at, `1790000036.0`: at, `1.790000036e9`: at,
		`1790000036123`: at.Add(123 * time.Millisecond), `"1790000036123"`: at.Add(123 * time.Millisecond),
		`1790000036.25`: at.Add(250 * time.Millisecond), `1790000036123.5`: at.Add(123500 * time.Microsecond),
		`1790000036123456`: at.Add(123456 * time.Microsecond), `"1790000036123456789"`: at.Add(123456 * time.Microsecond),
		`1790000036123456.7`: at.Add(123456 * time.Microsecond), `9223372036854775807`: time.Date(2262, 4, 11, 23, 47, 16, 854775000, time.UTC),
		`"2026-09-21T14:13:56.5Z"`: at.Add(500 * time.Millisecond),
		`null`:                     {}, `0`: {}, `-5`: {}, `"soon"`: {}, `1.5e-3`: {}, `1e30`: {}, `9223372036854775808`: {}, `[1790000036]`: {}, `true`: {}, `"1790000036.1e5"`: {}, `0.5`: {},
	} {
		n := notification.Notification{Origin: notification.Origin{
			Source: "shop", Provider: "green-api", Body: []byte(`{"typeWebhook":"quotaExceeded","timestamp":` + written + `}`),
		}}
		read, fault := source.Interpret(source.Providers(), &n)
		if fault != nil || !read.Identity.SentAt.Equal(want) {
			t.Errorf("%s: sent at %s, want %s; fault %v", written, read.Identity.SentAt, want, fault)
		}
	}
}
