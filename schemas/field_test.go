package schemas_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// What real senders are known to send has no fault, however the documentation says it should look. The numbers are those of
// the public reports.
func TestWhatSendersReallySendHasNoFault(t *testing.T) {
	t.Parallel()
	const account = `"instanceData":{"idInstance":1,"wid":"","typeInstance":"whatsapp"}`
	const message = account + `,"idMessage":"A","senderData":{"chatId":"1","sender":"1","senderName":""}`
	for name, test := range map[string]struct{ typ, fields string }{
		"#699 a text without text":                      {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"textMessage","textMessageData":{}}`},
		"#699 a quotation without text":                 {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"quotedMessage","extendedTextMessageData":{}}`},
		"#83 a message without sender and account":      {"outgoingMessageReceived", `"instanceData":{"idInstance":1,"typeInstance":"whatsapp"},"idMessage":"A","senderData":{"chatId":"1"},"messageData":{"typeMessage":"x"}`},
		"#86 a logout without the account":              {"stateInstanceChanged", `"instanceData":{"idInstance":1,"typeInstance":"whatsapp"},"stateInstance":"notAuthorized"`},
		"#729 an edit without its data":                 {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"editedMessage"}`},
		"#729 an edit with empty data":                  {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"editedMessage","editedMessageData":{}}`},
		"#729 an edit with null for its data":           {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"editedMessage","editedMessageData":null}`},
		"#729 a deletion without its data":              {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"deletedMessage"}`},
		"#25 a file without a link":                     {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"videoMessage","fileMessageData":{}}`},
		"#724 a file with an empty link":                {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"videoMessage","fileMessageData":{"downloadUrl":""}}`},
		"#1086 a status without status":                 {"outgoingMessageStatus", account + `,"idMessage":"A"`},
		"#1086 a status that is null":                   {"outgoingMessageStatus", account + `,"idMessage":"A","status":null`},
		"#952 an object for a picture of a file":        {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"imageMessage","fileMessageData":{"jpegThumbnail":{}}}`},
		"#952 an object for a picture of a link":        {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"extendedTextMessage","extendedTextMessageData":{"jpegThumbnail":{}}}`},
		"bridges: null in every optional field":         {"incomingMessageReceived", `"instanceData":{"idInstance":1,"wid":null,"typeInstance":"v3"},"timestamp":null,"idMessage":"A","senderData":{"chatId":"1","sender":null,"senderName":null,"chatName":null,"senderContactName":null,"chatType":null,"senderType":null,"senderPhoneNumber":null},"messageData":{"typeMessage":"imageMessage","fileMessageData":{"downloadUrl":null,"caption":null,"fileName":null,"jpegThumbnail":null,"mimeType":null,"isAnimated":null,"forwardingScore":null,"isForwarded":null}}`},
		"bridges: senderId for sender":                  {"incomingMessageReceived", account + `,"idMessage":"A","senderData":{"chatId":"1","senderId":7},"messageData":{"typeMessage":"x"}`},
		"bridges: ids as numbers":                       {"incomingMessageReceived", account + `,"idMessage":1763115112345,"senderData":{"chatId":-100123,"sender":5},"messageData":{"typeMessage":"quotedMessage","extendedTextMessageData":{"text":"a","stanzaId":6,"participant":5},"quotedMessage":{"stanzaId":6,"participant":5}}`},
		"bridges: a phone number with a plus":           {"incomingMessageReceived", account + `,"idMessage":"A","senderData":{"chatId":"1","senderPhoneNumber":"+79876543210"},"messageData":{"typeMessage":"x"}`},
		"bots: votes without the poll's name":           {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"pollUpdateMessage","pollMessageData":{"stanzaId":"A","votes":[]}}`},
		"bots: votes without the poll's id":             {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"pollUpdateMessage","pollMessageData":{"name":"n","votes":[]}}`},
		"bots: contacts in a field of their own":        {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"contactsArrayMessage","contactsArrayMessageData":{"contacts":[]}}`},
		"bots: a list of contacts":                      {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"contactsArrayMessage","contactsArrayMessageData":[]}`},
		"bots: a call without an account":               {"incomingCall", `"idMessage":"A","from":"1"`},
		"bots: an account as a string":                  {"stateInstanceChanged", `"instanceData":{"idInstance":"1101000001","typeInstance":"v3"},"stateInstance":"authorized"`},
		"bots: an account with a decimal point":         {"stateInstanceChanged", `"instanceData":{"idInstance":1101000001.0,"typeInstance":"v3"},"stateInstance":"authorized"`},
		"bots: fractions of a second":                   {"stateInstanceChanged", account + `,"timestamp":1790000000.25,"stateInstance":"authorized"`},
		"bots: milliseconds":                            {"stateInstanceChanged", account + `,"timestamp":1790000000250,"stateInstance":"authorized"`},
		"bots: a selected row as an object":             {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"listResponseMessage","listResponseMessage":{"singleSelectReply":{"selectedRowId":"1"}}}`},
		"bots: an invitation whose name is false":       {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"groupInviteMessage","groupInviteMessageData":{"name":false}}`},
		"5.44.37.12: an order":                          {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"orderMessage","fileMessageData":{"downloadUrl":"https://a"}}`},
		"5.44.37.12: a product":                         {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"productMessage","productMessageData":{"fileMessageData":null}}`},
		"5.44.37.12: a tap on an interactive button":    {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"interactiveButtonsResponse","interactiveButtonsResponse":{"stanzaId":"A","selectedButtonId":2}}`},
		"5.44.37.12: a template reply's id is a number": {"incomingMessageReceived", message + `,"messageData":{"typeMessage":"templateButtonsReplyMessage","templateButtonReplyMessage":{"selectedId":2}}`},
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

func TestFieldSamplesHaveNoFault(t *testing.T) {
	t.Parallel()
	set := load(t)
	files, err := filepath.Glob("testdata/field/*.json")
	if err != nil || len(files) < 15 {
		t.Fatalf("found %d samples: %v", len(files), err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		document := decode(t, bytes.TrimPrefix(body, []byte("\ufeff")))
		typ, _ := document.(map[string]any)["typeWebhook"].(string)
		if _, faults := set.Validate(greenAPI, typ, document); len(faults) > 0 {
			t.Errorf("%s: %v", file, faults)
		}
	}
}
