package schemas_test

import (
	"testing"
)

func TestEverySampleIsAccepted(t *testing.T) {
	t.Parallel()
	set := load(t)
	for _, n := range samples(t) {
		if faults := validate(t, set, n.typ, n.document(t)); len(faults) > 0 {
			t.Errorf("%s: %v", n.name, faults)
		}
	}
}

func TestEveryExampleInASchemaIsAcceptedByIt(t *testing.T) {
	t.Parallel()
	set := load(t)
	for _, typ := range set.Types(greenAPI) {
		examples := set.Examples(greenAPI, typ)
		if len(examples) == 0 {
			t.Errorf("%s has no example", typ)
		}
		for _, example := range examples {
			if faults := validate(t, set, typ, decode(t, example)); len(faults) > 0 {
				t.Errorf("%s: %s: %v", typ, example, faults)
			}
		}
	}
}

func TestAdditionalFieldsAreAcceptedEverywhere(t *testing.T) {
	t.Parallel()
	set := load(t)
	added := 0
	for _, n := range notifications(t, set) {
		document := n.document(t)
		objects(document, func(object map[string]any) {
			object["unheardOf"] = map[string]any{"deep": []any{nil, true, "text"}}
			added++
		})
		if faults := validate(t, set, n.typ, document); len(faults) > 0 {
			t.Errorf("%s: %v", n.name, faults)
		}
	}
	if added < 300 {
		t.Errorf("tried %d objects only", added)
	}
}

func TestWhatIsNewIsAccepted(t *testing.T) {
	t.Parallel()
	const account = `"instanceData":{"idInstance":1,"wid":"","typeInstance":"whatsapp"}`
	const message = account + `,"idMessage":"A","senderData":{"chatId":"1","sender":"1","senderName":""}`
	for name, test := range map[string]struct{ typ, fields string }{
		"an unknown typeMessage without data": {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"hologram"}`},
		"an unknown typeMessage with a known field of another form": {
			"incomingMessageReceived",
			message + `,"messageData":{"typeMessage":"hologram","textMessageData":7}`,
		},
		"an unknown status of a message":           {"outgoingMessageStatus", account + `,"idMessage":"A","status":"framed"`},
		"an unknown state of an account":           {"stateInstanceChanged", account + `,"stateInstance":"dreaming"`},
		"an unknown connection of an account":      {"statusInstanceChanged", account + `,"statusInstance":"flickering"`},
		"an unknown status of a call":              {"incomingCall", account + `,"idMessage":"A","from":"1","status":"echo"`},
		"an unknown state of a chat":               {"incomingBlock", account + `,"chatId":1,"chatState":"unblocked"`},
		"a messenger that did not exist":           {"stateInstanceChanged", `"instanceData":{"idInstance":1,"wid":"","typeInstance":"pigeon"},"stateInstance":"authorized"`},
		"an id of an instance with 12 digits":      {"stateInstanceChanged", `"instanceData":{"idInstance":310000000000,"wid":"","typeInstance":"v3"},"stateInstance":""`},
		"an id of an instance beyond 64 bits":      {"stateInstanceChanged", `"instanceData":{"idInstance":123456789012345678901,"wid":"","typeInstance":"v3"},"stateInstance":""`},
		"a call without a status, as in 2023":      {"incomingCall", account + `,"idMessage":"A","from":"1"`},
		"a status without a chat":                  {"outgoingMessageStatus", account + `,"idMessage":"A","status":"read"`},
		"a quota as strings":                       {"quotaExceeded", account + `,"quotaData":{"method":"m","status":"s","used":"3","total":"3"}`},
		"a quota under the name of a block":        {"incomingBlock", account + `,"quotaData":{"method":"m","status":"s","used":3,"total":3}`},
		"an avatar under the name of a device":     {"deviceInfo", account + `,"avatarInfo":{"chatId":"1@c.us","urlAvatar":""}`},
		"a reaction without the message it is for": {"outgoingMessageReceived", message + `,"messageData":{"typeMessage":"reactionMessage","extendedTextMessageData":{"text":"+"}}`},
		"a file with nothing but its link":         {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"videoMessage","fileMessageData":{"downloadUrl":"{{SWE002}}"}}`},
		"a sticker in the field of its own":        {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"stickerMessage","stickerMessageData":{"downloadUrl":""}}`},
		"contacts one level deeper":                {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"contactsArrayMessage","messageData":{"contacts":[]}}`},
		"an invitation that expires as an object":  {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"groupInviteMessage","groupInviteMessageData":{"inviteExpiration":{"low":0,"high":0,"unsigned":false}}}`},
		"an invitation that expires as a number":   {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"groupInviteMessage","groupInviteMessageData":{"inviteExpiration":0}}`},
		"a template reply spelt as in the table":   {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"templateButtonsReplyMessage","templateButtonsReplyMessage":{"selectedIndex":"2"}}`},
		"an interactive reply as a template reply": {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"interactiveButtonsReply","templateButtonReplyMessage":{"selectedIndex":2}}`},
		"an edit without text":                     {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"editedMessage","editedMessageData":{"stanzaId":"A"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document := decode(t, []byte(`{"typeWebhook":"`+test.typ+`",`+test.fields+`}`))
			if faults := validate(t, load(t), test.typ, document); len(faults) > 0 {
				t.Error(faults)
			}
		})
	}
}

func TestUnknownTypesAndProvidersAreNotValidated(t *testing.T) {
	t.Parallel()
	set := load(t)
	for _, name := range [][2]string{{greenAPI, "hologramReceived"}, {greenAPI, ""}, {greenAPI, "common/envelope"}, {greenAPI, "envelope"}, {"pigeon", "incomingCall"}, {"", ""}} {
		if known, faults := set.Validate(name[0], name[1], nil); known || faults != nil {
			t.Errorf("%q: known %v, faults %v", name, known, faults)
		}
		if examples := set.Examples(name[0], name[1]); examples != nil {
			t.Errorf("%q has examples: %s", name, examples)
		}
	}
	if types := set.Types("pigeon"); types != nil {
		t.Errorf("types of an unknown provider: %q", types)
	}
}
