package source_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
)

// spelled is GREEN-API's call with these texts as type and instance.
func spelled(t *testing.T, kind, instance string) *notification.Notification {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"typeWebhook": kind, "instanceData": map[string]any{"idInstance": instance}, "from": "7@c.us", "status": "offer", "idMessage": "A",
	})
	if err != nil {
		t.Fatal(err)
	}
	return came("green-api", string(body))
}

// A type that is validated under one name and handled under another passes by its schema. No such spelling becomes an
// event, whatever the mode of the source.
func TestTypeOrInstanceThatIsReadInTwoWaysIsAFault(t *testing.T) {
	t.Parallel()
	for spelling, want := range map[string]string{
		"incoming\nCall":           "control character",
		"incoming\x00Call":         "control character",
		"incomingCall\x00":         "control character",
		"incomingCall\x7f":         "control character",
		"incoming\u009bCall":       "control character",
		"incoming\ufffdCall":       "no character",
		strings.Repeat("a", 257):   "257 bytes, at most 256",
		strings.Repeat("ü", 1<<16): "bytes, at most 256",
	} {
		for _, quarantine := range []bool{false, true} {
			for part, n := range map[string]*notification.Notification{
				"type": spelled(t, spelling, "1101000001"), "instance": spelled(t, "incomingCall", spelling),
			} {
				n.Quarantine = quarantine
				_, fault := source.Interpret(source.Providers(), n)
				if fault == nil || !strings.Contains(fault.Message, want) || !strings.Contains(fault.Message, part) || len(fault.Message) > 500 {
					t.Errorf("%s %.40q, quarantine %t: fault %+v, want %q", part, spelling, quarantine, fault, want)
				}
			}
		}
	}
}

// Whoever pads a type or an instance means the same one. Everybody behind sees it without, the gateway's peek and the key too.
func TestWhiteSpaceAroundTypeAndInstanceIsTakenOff(t *testing.T) {
	t.Parallel()
	want := identityOf(t, spelled(t, "incomingCall", "1101000001"))
	for _, padding := range [][2]string{
		{" ", ""}, {"", " "}, {"\n", "\r\n"}, {"", "\t"}, {"", "\u0085"}, {"\u00a0", "\u2028"}, {"\u2003", "\u3000"},
	} {
		for part, n := range map[string]*notification.Notification{
			"type": spelled(t, padding[0]+"incomingCall"+padding[1], "1101000001"), "instance": spelled(t, "incomingCall", padding[0]+"1101000001"+padding[1]),
		} {
			what, fault := source.Interpret(source.Providers(), n)
			if fault != nil || what.Identity != want || n.Type != want.Type || n.Instance != want.Instance {
				t.Errorf("%s in %q is %+v, peeked %q %q, fault %v", part, padding, what.Identity, n.Type, n.Instance, fault)
			}
			if len(what.Faults) != 1 || !strings.Contains(what.Faults[0].Message, part) {
				t.Errorf("%s in %q has the faults %+v", part, padding, what.Faults)
			}
		}
	}
}

// An instance of GREEN-API is a number, and the same one in all notations of it.
func TestInstanceIsTheSameInAnyNotation(t *testing.T) {
	t.Parallel()
	want := identityOf(t, came("green-api", `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1101000001}}`))
	for _, written := range []string{`"1101000001"`, `1101000001.0`, `1.101000001e9`, `01101000001`, `"01101000001"`, `"1101000001.0"`, `"1.101000001E+9"`} {
		n := came("green-api", `{"typeWebhook":"incomingCall","instanceData":{"idInstance":`+written+`}}`)
		if got := identityOf(t, n); got != want {
			t.Errorf("%s is %+v, want %+v", written, got, want)
		}
		if n.Instance != want.Instance && written[0] != '0' { // What is no JSON is not peeked into.
			t.Errorf("%s is peeked as %q", written, n.Instance)
		}
	}
}

func TestTypesOfSendersAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"incomingCall", "orders/create", "issues.opened", "новый заказ", "two words", "a\u200bb", strings.Repeat("a", 256)} {
		identity := identityOf(t, spelled(t, kind, "1101000001"))
		if identity.Type != kind {
			t.Errorf("type %q became %q", kind, identity.Type)
		}
	}
}

// What people write may be an order key. Such a notification is no noise, so it becomes an event; its order key has to
// keep apart what is apart and to come back from the stream as it was.
func TestOrderKeyThatDoesNotTravelIsItsDigest(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, text := range []string{"a", "a ", " a", "a\n", "a\u00a0", strings.Repeat("a", 300), strings.Repeat("a", 301)} {
		for range 2 {
			body, err := json.Marshal(map[string]string{"at": text})
			if err != nil {
				t.Fatal(err)
			}
			n := came("generic", string(body))
			n.Mapping = source.Mapping{Type: "constant:x", Order: "/at", Object: "/at", SentAt: "constant:1"}.Encode()
			identity := identityOf(t, n)
			if (identity.OrderKey == text) != (text == "a") || identity.OrderKey != identity.Object {
				t.Errorf("order key %.20q became %q and object %q", text, identity.OrderKey, identity.Object)
			}
			if before, there := seen[identity.OrderKey]; there && before != text {
				t.Errorf("%.20q and %.20q are both %q", before, text, identity.OrderKey)
			}
			seen[identity.OrderKey] = text
		}
	}
}

// Only what can't be told from noise is refused, and that whatever the mode of the source.
func TestNoiseIsAFault(t *testing.T) {
	t.Parallel()
	const head = `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1},`
	for body, noise := range map[string]bool{
		head + `"from":"a","from":"b"}`: true,
		head + `"from":"a","FROM":"b"}`: false,
		head + `"from":"\ud800"}`:       false,
		head + `"from":1e99999}`:        true,
		head + `"from":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`: true,
		head + `"from":[` + strings.Repeat("0,", 100_001) + `0]}`:                    true,
		head + "\"from\":\"\xff\"}":                                                  false,
		`{"typeWebhook":"neverSeen","typeWebhook":"incomingCall"}`:                   true,
		`{"typeWebhook":"incomingCall ",`:                                            true,
		head + `"from":`:                                                             true,
		head:                                                                         true,
		`[1]`:                                                                        true,
		``:                                                                           true,
		`null`:                                                                       true,
		`{"from":"a"}`:                                                               true,
		`{"typeWebhook":7}`:                                                          true,
		`{"typeWebhook":""}`:                                                         true,
		`{"typeWebhook":"x"}`:                                                        false,
		`{"typeWebhook":"x","instanceData":null,"idMessage":{}}`:    false,
		`{"typeWebhook":"x","instanceData":{"idInstance":000001},}`: false,
		head + `"from":"a","from":"a"}`:                             false,
	} {
		n := came("green-api", body)
		for _, n.Quarantine = range []bool{false, true} {
			if _, fault := source.Interpret(source.Providers(), n); (fault != nil) != noise {
				t.Errorf("%.80s: fault %+v", body, fault)
			}
		}
	}
}

// A source with a mapping takes bodies that are no object as they are, and for these no schema is asked. An object must
// not get there by a fault.
func TestObjectThatCannotBeReadIsNotTakenAsItIs(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"a":1,"a":2}`, ` {"a":1e99999}`} {
		n := came("generic", body)
		n.Mapping = source.Mapping{Type: "constant:x"}.Encode()
		if what, fault := source.Interpret(source.Providers(), n); fault == nil {
			t.Errorf("%s was taken, opaque: %t", body, what.Body.IsOpaque())
		}
	}
}
