package provider_test

import (
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/costtest"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source/provider"
)

func greenAPI(t *testing.T) provider.Provider {
	t.Helper()
	one, ok := provider.All()["green-api"]
	if !ok {
		t.Fatal("there is no provider green-api")
	}
	return one
}

func TestPeekFindsWhatAParserWouldAndStandsTheRest(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		`{"typeWebhook":"incomingCall","instanceData":{"idInstance":115297976845823798}}`: {"incomingCall", "115297976845823798"},
		`{"instanceData":{"idInstance":"7"},"typeWebhook":"x"}`:                           {"x", "7"},
		`{"typeWebhook":5,"instanceData":[]}`:                                             {"", ""},
		`{"typeWebhook":{"a":1}}`:                                                         {"", ""},
		`[{"typeWebhook":"x"}]`:                                                           {"", ""},
		"":                                                                                {"", ""},
		"not JSON":                                                                        {"", ""},
		strings.Repeat("[", 1_000_000):                                                    {"", ""},
	} {
		kind, instance := greenAPI(t).Peek(&notification.Notification{Origin: notification.Origin{Body: []byte(body)}})
		if got := [2]string{kind, instance}; got != want {
			t.Errorf("%.60s: %q, want %q", body, got, want)
		}
	}
}

var (
	// peekingLimit is what looking into an unread body may cost, which the gateway does for each request.
	peekingLimit = costtest.Limit{Base: 64 << 10, PerByte: 4, MaxMemory: 64 << 20, CPUPerMiB: time.Second}
	// interpretingLimit is what the worker may spend on a notification before its schema is asked.
	interpretingLimit = costtest.Limit{Base: 2 << 20, PerByte: 400, MaxMemory: 192 << 20, CPUPerMiB: 4 * time.Second}
)

func FuzzGreenAPI(f *testing.F) {
	f.Add([]byte(`{"typeWebhook":"incomingCall","instanceData":{"idInstance":1},"idMessage":"x","timestamp":1e400}`))
	f.Add([]byte(`{"typeWebhook":"a","typeWebhook":"b"}`))
	f.Add([]byte(`{"timestamp":9223372036854775807,"senderData":7}`))
	for _, body := range costtest.Bodies(64 << 10) {
		f.Add(body)
	}
	one := provider.All()["green-api"]
	f.Fuzz(func(t *testing.T, body []byte) {
		peekingLimit.Check(t, len(body), func() { one.Peek(&notification.Notification{Origin: notification.Origin{Body: body}}) })
		document, fault := notification.Parse(body)
		if fault != nil {
			return
		}
		var identity notification.Identity
		interpretingLimit.Check(t, len(body), func() {
			identity = one.Identify(&notification.Notification{Origin: notification.Origin{Source: "green-api"}}, document)
		})
		if len(identity.Key) != 32 {
			t.Errorf("key %q", identity.Key)
		}
		if _, err := identity.SentAt.MarshalJSON(); err != nil {
			t.Errorf("sent at a time that can't be written: %v", err)
		}
	})
}

func identify(t *testing.T, body string) notification.Identity {
	t.Helper()
	document, fault := notification.Parse([]byte(body))
	if fault != nil {
		t.Fatal(fault)
	}
	return greenAPI(t).Identify(&notification.Notification{Origin: notification.Origin{Source: "green-api"}}, document)
}

func TestIdentityTellsNotificationsApart(t *testing.T) {
	t.Parallel()
	const instance = `"instanceData":{"idInstance":1}`
	for name, test := range map[string]struct {
		one, other string
		same       bool
	}{
		"a message sent again with its keys in another order": {
			`{"typeWebhook":"incomingMessageReceived",` + instance + `,"idMessage":"A","senderData":{"chatId":"c"}}`,
			`{"senderData":{"chatId":"c"},"idMessage":"A",` + instance + `,"typeWebhook":"incomingMessageReceived"}`, true,
		},
		"the same id in another chat": {
			`{"typeWebhook":"incomingMessageReceived",` + instance + `,"idMessage":"A","senderData":{"chatId":"c"}}`,
			`{"typeWebhook":"incomingMessageReceived",` + instance + `,"idMessage":"A","senderData":{"chatId":"d"}}`, false,
		},
		"the same id with another body": {
			`{"typeWebhook":"incomingMessageReceived",` + instance + `,"idMessage":"A","senderData":{"chatId":"c"},"messageData":{"t":"{{SWE001}}"}}`,
			`{"typeWebhook":"incomingMessageReceived",` + instance + `,"idMessage":"A","senderData":{"chatId":"c"},"messageData":{"t":"text"}}`, false,
		},
		"the same message as the API's echo and from the phone": {
			`{"typeWebhook":"outgoingMessageReceived",` + instance + `,"idMessage":"A","senderData":{"chatId":"c"}}`,
			`{"typeWebhook":"outgoingAPIMessageReceived",` + instance + `,"idMessage":"A","senderData":{"chatId":"c"}}`, false,
		},
		"the same message on another instance": {
			`{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1},"idMessage":"A"}`,
			`{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":2},"idMessage":"A"}`, false,
		},
		"a status sent again with a new field": {
			`{"typeWebhook":"outgoingMessageStatus",` + instance + `,"idMessage":"A","chatId":"c","status":"read","timestamp":5}`,
			`{"typeWebhook":"outgoingMessageStatus",` + instance + `,"idMessage":"A","chatId":"c","status":"read","timestamp":5,"x":1}`, true,
		},
		"two statuses of a message": {
			`{"typeWebhook":"outgoingMessageStatus",` + instance + `,"idMessage":"A","chatId":"c","status":"sent","timestamp":5}`,
			`{"typeWebhook":"outgoingMessageStatus",` + instance + `,"idMessage":"A","chatId":"c","status":"read","timestamp":5}`, false,
		},
		"a status that comes again later": {
			`{"typeWebhook":"outgoingMessageStatus",` + instance + `,"idMessage":"A","chatId":"c","status":"read","timestamp":5}`,
			`{"typeWebhook":"outgoingMessageStatus",` + instance + `,"idMessage":"A","chatId":"c","status":"read","timestamp":6}`, false,
		},
		"a call's offer and its end": {
			`{"typeWebhook":"incomingCall",` + instance + `,"idMessage":"A","from":"c","status":"offer"}`,
			`{"typeWebhook":"incomingCall",` + instance + `,"idMessage":"A","from":"c","status":"hangUp"}`, false,
		},
		"two states in one second": {
			`{"typeWebhook":"stateInstanceChanged",` + instance + `,"stateInstance":"authorized","timestamp":5}`,
			`{"typeWebhook":"stateInstanceChanged",` + instance + `,"stateInstance":"notAuthorized","timestamp":5}`, false,
		},
		"a state that comes again later": {
			`{"typeWebhook":"stateInstanceChanged",` + instance + `,"stateInstance":"authorized","timestamp":5}`,
			`{"typeWebhook":"stateInstanceChanged",` + instance + `,"stateInstance":"authorized","timestamp":6}`, false,
		},
		"ids that differ beyond the precision of a float": {
			`{"typeWebhook":"quotaExceeded","instanceData":{"idInstance":9007199254740993}}`,
			`{"typeWebhook":"quotaExceeded","instanceData":{"idInstance":9007199254740992}}`, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, other := identify(t, test.one), identify(t, test.other)
			if same := one.Key == other.Key; same != test.same {
				t.Errorf("same key: %t, want %t", same, test.same)
			}
		})
	}
}

func TestOrderIsKeptPerChat(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"typeWebhook":"incomingMessageReceived","senderData":{"chatId":"c"}}`: "c",
		`{"typeWebhook":"outgoingMessageStatus","chatId":"c"}`:                  "c",
		`{"typeWebhook":"incomingCall","from":"c"}`:                             "c",
		`{"typeWebhook":"incomingBlock","chatId":7}`:                            "7",
		`{"typeWebhook":"stateInstanceChanged"}`:                                "",
	} {
		if got := identify(t, body).OrderKey; got != want {
			t.Errorf("%s: order key %q, want %q", body, got, want)
		}
	}
}

func TestOnlyWhatHasNeitherIdNorTimeGetsAWindow(t *testing.T) {
	t.Parallel()
	if identify(t, `{"typeWebhook":"quotaExceeded"}`).Window <= 0 {
		t.Error("a quota without a time would be one event for as long as events are kept")
	}
	for _, body := range []string{`{"typeWebhook":"quotaExceeded","timestamp":5}`, `{"typeWebhook":"x","idMessage":"A"}`} {
		if window := identify(t, body).Window; window != 0 {
			t.Errorf("%s: window %s, want none", body, window)
		}
	}
}
