package source_test

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"sluice.internal/shared/notification"
)

// with is GREEN-API's notification of a message, a status, a call and so on, with other values at some places. A nil value
// takes the field away.
func with(t *testing.T, kind string, changes map[string]any) *notification.Notification {
	t.Helper()
	body := map[string]any{
		"typeWebhook": kind, "timestamp": 1790000000, "idMessage": "3EB0F00000000022",
		"instanceData": map[string]any{"idInstance": 1101000001, "wid": "71231234567@c.us", "typeInstance": "whatsapp"},
	}
	switch kind {
	case "outgoingMessageStatus":
		body["chatId"], body["status"], body["sendByApi"] = "71234567890@c.us", "sent", true
	case "incomingCall", "outgoingCall":
		body["from"], body["status"] = "71234567890@c.us", "offer"
	case "stateInstanceChanged":
		delete(body, "idMessage")
		body["stateInstance"] = "authorized"
	case "quotaExceeded":
		delete(body, "idMessage")
		body["quotaData"] = map[string]any{"method": "sendMessage", "used": 5, "total": 5}
	default:
		body["senderData"] = map[string]any{
			"chatId": "71234567890@c.us", "chatName": "", "sender": "71234567890@c.us", "senderName": "", "senderContactName": "",
		}
		body["messageData"] = map[string]any{"typeMessage": "textMessage", "textMessageData": map[string]any{"textMessage": "hi"}}
	}
	for name, value := range changes {
		if inner, ok := value.(map[string]any); ok {
			if before, there := body[name].(map[string]any); there {
				merged := maps.Clone(before)
				maps.Copy(merged, inner)
				value = merged
			}
		}
		body[name] = value
		if value == nil {
			delete(body, name)
		}
	}
	content, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return came("green-api", string(content))
}

// in is a change of one field within another one.
func in(outer, name string, value any) map[string]any {
	return map[string]any{outer: map[string]any{name: value}}
}

func TestWhatMakesNotificationsOfGREENAPITheSame(t *testing.T) {
	t.Parallel()
	const message, status, call, state, quota = "incomingMessageReceived", "outgoingMessageStatus", "incomingCall", "stateInstanceChanged", "quotaExceeded"
	text := func(text string) map[string]any {
		return in("messageData", "textMessageData", map[string]any{"textMessage": text})
	}
	for sentence, test := range map[string]struct {
		kind  string
		one   map[string]any
		other map[string]any
		same  bool
	}{
		"a name filled in":                 {message, nil, in("senderData", "senderName", "Ann"), true},
		"all names filled in":              {message, nil, map[string]any{"senderData": map[string]any{"chatName": "A", "senderName": "A", "senderContactName": "A"}}, true},
		"a name that is null":              {message, nil, in("senderData", "chatName", nil), true},
		"no account's own number":          {message, nil, in("instanceData", "wid", nil), true},
		"another device of the chat":       {message, nil, in("senderData", "chatId", "71234567890:3@s.whatsapp.net"), true},
		"another time of the message":      {message, nil, map[string]any{"timestamp": 1790000009}, true},
		"an id as a string":                {message, map[string]any{"idMessage": 1763115112345}, map[string]any{"idMessage": "1763115112345"}, true},
		"null where something may be":      {message, nil, in("messageData", "isForwarded", nil), true},
		"a number in another notation":     {message, in("messageData", "forwardingScore", 0), in("messageData", "forwardingScore", json.Number("0.0")), true},
		"a text that could not be read":    {message, text("{{SWE001}}"), nil, false},
		"another text":                     {message, nil, text("ho"), false},
		"another id":                       {message, nil, map[string]any{"idMessage": "3EB0F00000000023"}, false},
		"another chat":                     {message, nil, in("senderData", "chatId", "71234567891@c.us"), false},
		"another instance":                 {message, nil, in("instanceData", "idInstance", 1101000002), false},
		"no id, another time":              {message, map[string]any{"idMessage": nil}, map[string]any{"idMessage": nil, "timestamp": 1790000009}, false},
		"no id, a name filled in":          {message, map[string]any{"idMessage": nil}, map[string]any{"idMessage": nil, "senderData": map[string]any{"senderName": "Ann"}}, true},
		"a new type, a name filled in":     {"editedMessageReceived", nil, in("senderData", "senderName", "Ann"), true},
		"a new type, another text":         {"editedMessageReceived", nil, text("ho"), false},
		"a new type without data":          {"storyViewed", map[string]any{"messageData": nil}, map[string]any{"messageData": nil, "viewer": "x"}, false},
		"a status in milliseconds":         {status, nil, map[string]any{"timestamp": 1790000000000}, true},
		"a status in another notation":     {status, nil, map[string]any{"timestamp": json.Number("1.79e9")}, true},
		"a status of the chat's device":    {status, nil, map[string]any{"chatId": "71234567890:3@c.us"}, true},
		"another status":                   {status, nil, map[string]any{"status": "read"}, false},
		"a status at another time":         {status, nil, map[string]any{"timestamp": 1790000001}, false},
		"a status of another message":      {status, nil, map[string]any{"idMessage": "X"}, false},
		"a status with a new field":        {status, nil, map[string]any{"description": "x"}, true},
		"a call's end":                     {call, nil, map[string]any{"status": "hangUp"}, false},
		"a call from the number's device":  {call, nil, map[string]any{"from": "71234567890:1@s.whatsapp.net"}, true},
		"another call":                     {call, nil, map[string]any{"idMessage": "X"}, false},
		"calls without an id":              {call, map[string]any{"idMessage": nil}, map[string]any{"idMessage": nil, "timestamp": 1790000001}, false},
		"a state with its number":          {state, nil, in("instanceData", "wid", nil), true},
		"another state":                    {state, nil, map[string]any{"stateInstance": "notAuthorized"}, false},
		"a state again":                    {state, nil, map[string]any{"timestamp": 1790000001}, false},
		"a quota exceeded again":           {quota, nil, map[string]any{"timestamp": 1790000001}, false},
		"a quota with the account's state": {quota, nil, in("instanceData", "wid", ""), true},
	} {
		one, other := identityOf(t, with(t, test.kind, test.one)), identityOf(t, with(t, test.kind, test.other))
		if same := one.Key == other.Key; same != test.same {
			t.Errorf("%s: the same: %t", sentence, same)
		}
	}
}

func TestNotificationsOfGREENAPIFindTheirChat(t *testing.T) {
	t.Parallel()
	const chat = "71234567890@c.us"
	none := map[string]any{"senderData": nil, "messageData": nil}
	change := func(changes map[string]any) map[string]any {
		all := maps.Clone(none)
		maps.Copy(all, changes)
		return all
	}
	for sentence, test := range map[string]struct {
		kind    string
		changes map[string]any
		want    string
	}{
		"a message":                       {"incomingMessageReceived", nil, chat},
		"a message's device":              {"incomingMessageReceived", in("senderData", "chatId", "71234567890:3@s.whatsapp.net"), chat},
		"a message with its chat outside": {"incomingMessageReceived", change(map[string]any{"chatId": chat}), chat},
		"a message with a sender alone":   {"incomingMessageReceived", map[string]any{"senderData": map[string]any{"chatId": nil}}, chat},
		"a chat that is a number":         {"incomingMessageReceived", in("senderData", "chatId", -1001234567890), "-1001234567890"},
		"and as a string":                 {"incomingMessageReceived", in("senderData", "chatId", "-1001234567890"), "-1001234567890"},
		"a hidden number":                 {"incomingMessageReceived", in("senderData", "chatId", "123@lid"), "123@lid"},
		"a status":                        {"outgoingMessageStatus", nil, chat},
		"a call":                          {"incomingCall", nil, chat},
		"a state":                         {"stateInstanceChanged", nil, ""},
		"a new type of message":           {"editedMessageReceived", nil, chat},
		"a new type with a chat":          {"chatArchived", change(map[string]any{"chatId": chat}), chat},
		"a new type with a caller":        {"callMissed", change(map[string]any{"from": chat}), chat},
		"both, and a sender's chat":       {"x", map[string]any{"chatId": "1@c.us", "from": "2@c.us"}, chat},
		"a chat and a caller":             {"x", change(map[string]any{"chatId": chat, "from": "2@c.us"}), chat},
		"a chat one level below":          {"x", change(map[string]any{"chatData": map[string]any{"chatId": "71234567890:3@c.us"}, "callData": map[string]any{"from": "2@c.us"}}), chat},
		"a caller one level below":        {"x", change(map[string]any{"callData": map[string]any{"from": chat}}), chat},
		"a new type without one":          {"x", none, ""},
	} {
		if got := identityOf(t, with(t, test.kind, test.changes)); got.OrderKey != test.want {
			t.Errorf("%s: chat %q, want %q", sentence, got.OrderKey, test.want)
		}
	}
}

// A formula that changes by accident makes second events of what is sent again. Whoever changes these keys changes
// notification.KeyVersion, and says what becomes of what is stored.
func TestKeysOfTheFormulaStay(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string][2]string{
		"incomingMessageReceived": {"51za0931912tq1g0jx791078bmp7x7gx", "mz6j1g8ckcn4vh5vhfqmzfrnt8hc5dnt"},
		"outgoingMessageStatus":   {"yp8tbe7syw1aw4ahjmgjrqmrqw2299jj", "yp8tbe7syw1aw4ahjmgjrqmrqw2299jj"},
		"incomingCall":            {"mw9mqa4qggrr7ryqgz735hf3avbpr17c", "mw9mqa4qggrr7ryqgz735hf3avbpr17c"},
		"stateInstanceChanged":    {"s7jbgb5vn2c5zdrbpqhz95frrf7cq3p3", "s7jbgb5vn2c5zdrbpqhz95frrf7cq3p3"},
		"quotaExceeded":           {"dbx17wk5q5ye68bxqrjzrdaa0mpcqhwt", "8cw0sycpv22kebavj1sg0vwnb1cb3jhw"},
		"editedMessageReceived":   {"zegtq0a2wzxmdwp4p0yb3tpt8ra388mf", "1060t6tejgq1cjr050mm30jcqzb0rvwx"},
	} {
		n := with(t, kind, nil)
		now := identityOf(t, n)
		n.Former = true
		if got := [2]string{now.Key, identityOf(t, n).Key}; got != want {
			t.Errorf("%s: now and formerly\n%q: {%q, %q},", kind, kind, got[0], got[1])
		}
	}
}

func TestFormerNotificationsKeepTheirIdentity(t *testing.T) {
	t.Parallel()
	n := with(t, "outgoingMessageStatus", map[string]any{"chatId": "71234567890@s.whatsapp.net"})
	now := identityOf(t, n)
	n.Former = true
	before := identityOf(t, n)
	if before.OrderKey != "71234567890@s.whatsapp.net" || now.OrderKey != "71234567890@c.us" || before.Key == now.Key {
		t.Errorf("now %+v\nformerly %+v", now, before)
	}
	if !before.SentAt.Equal(time.Unix(1790000000, 0)) {
		t.Errorf("sent at %s", before.SentAt)
	}
}
