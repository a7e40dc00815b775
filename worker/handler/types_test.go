package handler_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sluice.internal/shared/notification"
	"sluice.internal/worker/handler"
)

func TestLostAccountsAlertAndOtherStatesDoNot(t *testing.T) {
	t.Parallel()
	for state, severity := range map[string]string{
		"notAuthorized":   notification.SeverityCritical,
		"blocked":         notification.SeverityCritical,
		"suspended":       notification.SeverityWarning,
		"yellowCard":      notification.SeverityWarning,
		"authorized":      "",
		"starting":        "",
		"sleepMode":       "",
		"pendingCode":     "",
		"pendingPassword": "",
		"somethingNew":    "",
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			w := handle(t, event("stateInstanceChanged", fmt.Sprintf(`{"stateInstance":%q}`, state)))
			w.wantAlert(t, severity)
			w.onlyLine(t).want(t, line{"level": levelOf(severity), "state": state})
		})
	}
}

func levelOf(severity string) string {
	if severity == "" {
		return "INFO"
	}
	return "WARN"
}

// wantAlert checks that there is one alert about the event, or none when the severity is empty.
func (w *worker) wantAlert(t *testing.T, severity string) {
	t.Helper()
	if severity == "" {
		if len(w.alerts) > 0 {
			t.Errorf("alerts %+v, want none", w.alerts)
		}
		return
	}
	if len(w.alerts) != 1 {
		t.Fatalf("alerts %+v, want one", w.alerts)
	}
	alert := w.alerts[0]
	if alert.Severity != severity || alert.Title == "" || alert.Detail == "" {
		t.Errorf("alert %+v, want severity %q, a title and a detail", alert, severity)
	}
	if alert.Source != "shop" || alert.Instance != "1101000001" || alert.Type == "" || !alert.At.Equal(sentAt) {
		t.Errorf("alert %+v does not name the event", alert)
	}
}

func TestUsedUpQuotaAlertsUnderBothNames(t *testing.T) {
	t.Parallel()
	const quota = `"quotaData":{"method":"correspondents","used":3,"total":"3","status":"USED","description":"Only these chats."}`
	for _, kind := range []string{"quotaExceeded", "incomingBlock"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := handle(t, event(kind, "{"+quota+"}"))
			w.wantAlert(t, notification.SeverityWarning)
			if alert := w.alerts[0]; alert.Title != `Quota "correspondents" is used up` || alert.Detail != "Only these chats." {
				t.Errorf("alert %+v", alert)
			}
			w.onlyLine(t).want(t, line{"level": "WARN", "method": "correspondents", "used": "3", "total": "3"})
		})
	}
}

func TestQuotaWithoutDescriptionIsDescribedByItsNumbers(t *testing.T) {
	t.Parallel()
	w := handle(t, event("quotaExceeded", `{"quotaData":{"method":"m","used":3,"total":3,"status":"USED"}}`))
	w.wantAlert(t, notification.SeverityWarning)
	if got := w.alerts[0].Detail; got != "3 of 3 used: USED" {
		t.Errorf("detail %q", got)
	}
}

func TestBlockByAContactIsNoAlert(t *testing.T) {
	t.Parallel()
	for _, chat := range []string{`"10000000000@c.us"`, `115297976845823798`} {
		w := handle(t, event("incomingBlock", `{"chatId":`+chat+`,"chatState":"blocked"}`))
		w.wantAlert(t, "")
		w.onlyLine(t).want(t, line{"level": "INFO", "chat_id": strings.Trim(chat, `"`), "chat_state": "blocked"})
	}
}

func TestAlertThatFailsIsTheVerdict(t *testing.T) {
	t.Parallel()
	for kind, body := range map[string]string{
		"stateInstanceChanged": `{"stateInstance":"blocked"}`,
		"quotaExceeded":        `{"quotaData":{}}`,
		"incomingBlock":        `{"quotaData":{}}`,
	} {
		w := &worker{refuse: errOops}
		handled, err := handler.BuiltIn().Handle(t.Context(), event(kind, body), w.tools())
		if !handled || !errors.Is(err, errOops) || errors.Is(err, handler.ErrPermanent) {
			t.Errorf("%s: handled %t, error %v; want a try again because of the alert", kind, handled, err)
		}
	}
}

func TestUndeliveredMessagesAreWarnedOfWithTheReason(t *testing.T) {
	t.Parallel()
	for status, level := range map[string]string{
		"failed":     "WARN",
		"noAccount":  "WARN",
		"notInGroup": "WARN",
		"yellowCard": "WARN",
		"sent":       "INFO",
		"delivered":  "INFO",
		"read":       "INFO",
		"new":        "INFO",
	} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			w := handle(t, event("outgoingMessageStatus", fmt.Sprintf(
				`{"idMessage":"A1","chatId":"7@c.us","status":%q,"description":"the reason","sendByApi":true}`, status)))
			w.wantAlert(t, "")
			w.onlyLine(t).want(t, line{
				"level": level, "status": status, "message_id": "A1", "chat_id": "7@c.us",
				"description": "the reason", "by_api": true,
			})
		})
	}
}

func TestErrorMarkersAreWarnedOfWithTheirMeaning(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ data, marker, meaning string }{
		"no text yet":   {`"textMessageData":{"textMessage":"{{SWE001}}"}`, "{{SWE001}}", "could not be decrypted yet"},
		"with a link":   {`"extendedTextMessageData":{"text":"{{SWE001}}"}`, "{{SWE001}}", "could not be decrypted yet"},
		"large file":    {`"fileMessageData":{"downloadUrl":"{{SWE002}}"}`, "{{SWE002}}", "larger than 100 MB"},
		"large sticker": {`"stickerMessageData":{"downloadUrl":"{{SWE002}}"}`, "{{SWE002}}", "larger than 100 MB"},
		"old keys":      {`"textMessageData":{"textMessage":" {{SWE003}}\n"}`, "{{SWE003}}", "out of date"},
		"edited":        {`"editedMessageData":{"textMessage":"{{SWE003}}"}`, "{{SWE003}}", "out of date"},
		"unexplained":   {`"textMessageData":{"textMessage":"{{SWE004}}"}`, "{{SWE004}}", "error marker"},
		"unknown":       {`"textMessageData":{"textMessage":"{{SWE999}}"}`, "{{SWE999}}", "error marker"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line := handle(t, event("incomingMessageReceived", `{"messageData":{`+test.data+`}}`)).onlyLine(t)
			line.want(t, map[string]any{"level": "WARN", "marker": test.marker})
			if meaning, _ := line["meaning"].(string); !strings.Contains(meaning, test.meaning) {
				t.Errorf("meaning %q, want it to contain %q", meaning, test.meaning)
			}
		})
	}
}

func TestTextThatMentionsAMarkerIsAMessage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"what is {{SWE001}}?", "{{SWE001}} again", "SWE001", "{{SWE1}}", "{{SWE0001}}", ""} {
		body := fmt.Sprintf(`{"messageData":{"textMessageData":{"textMessage":%q}}}`, text)
		handle(t, event("incomingMessageReceived", body)).onlyLine(t).want(t, line{"level": "INFO", "marker": nil})
	}
}

func TestMessageNamesTheMessageThatItRefersTo(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		`"extendedTextMessageData":{"text":"a","stanzaId":"X"},"quotedMessage":{"stanzaId":"Q1"}`,
		`"extendedTextMessageData":{"text":"a","stanzaId":"Q1"}`,
		`"editedMessageData":{"textMessage":"a","stanzaId":"Q1"}`,
		`"deletedMessageData":{"stanzaId":"Q1"}`,
		`"pollMessageData":{"stanzaId":"Q1","name":"a"}`,
		`"buttonsResponseMessage":{"stanzaId":"Q1"}`,
		`"listResponseMessage":{"stanzaId":"Q1"}`,
		`"templateButtonReplyMessage":{"stanzaId":"Q1"}`,
		`"templateButtonsReplyMessage":{"stanzaId":"Q1"}`,
		`"interactiveButtonsResponse":{"stanzaId":"Q1","selectedId":"1"}`,
		`"interactiveButtonsReply":{"stanzaId":"Q1"}`,
		`"orderMessage":{"stanzaId":"Q1"}`,
		`"productMessageData":{"stanzaId":"Q1"}`,
	} {
		line := handle(t, event("incomingMessageReceived", `{"messageData":{`+data+`}}`)).onlyLine(t)
		if line["refers_to"] != "Q1" {
			t.Errorf("%s: refers_to is %v", data, line["refers_to"])
		}
	}
}

func TestMessageWithAFileSaysSoWhereverItIs(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		`"fileMessageData":{"downloadUrl":"https://a"}`,
		`"fileMessageData":{}`,
		`"stickerMessageData":{"downloadUrl":""}`,
		`"orderMessage":{"fileMessageData":{"jpegThumbnail":{}}}`,
		`"orderMessageData":{"fileMessageData":{"downloadUrl":"https://a"}}`,
		`"productMessage":{"fileMessageData":{"downloadUrl":"https://a"}}`,
		`"fileMessageData":null,"productMessageData":{"fileMessageData":{"downloadUrl":"https://a"}}`,
	} {
		line := handle(t, event("incomingMessageReceived", `{"messageData":{`+data+`}}`)).onlyLine(t)
		if line["file"] != true {
			t.Errorf("%s: file is %v", data, line["file"])
		}
	}
}

func TestCallsAreLoggedWithStatusVideoAndDuration(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"incomingCall", "outgoingCall"} {
		full := handle(t, event(kind, `{"idMessage":"C1","from":"7@c.us","status":"pickUp","isVideo":false,"duration":12}`))
		full.onlyLine(t).want(t, line{
			"level": "INFO", "call_id": "C1", "chat_id": "7@c.us", "status": "pickUp", "video": false, "duration_seconds": 12.0,
		})
		old := handle(t, event(kind, `{"idMessage":"C1","from":"7@c.us"}`))
		old.onlyLine(t).want(t, line{"call_id": "C1", "status": nil, "video": nil, "duration_seconds": nil})
	}
}

func TestDeviceInfoIsADeviceOrAPicture(t *testing.T) {
	t.Parallel()
	device := handle(t, event("deviceInfo", `{"deviceData":{"platform":"iphone","deviceModel":"iPhone 11","battery":90}}`))
	device.onlyLine(t).want(t, line{"msg": "device of the account", "model": "iPhone 11", "battery": "90"})
	avatar := handle(t, event("deviceInfo", `{"avatarInfo":{"chatId":"7@c.us","urlAvatar":"https://example.org/a.jpg"}}`))
	avatar.onlyLine(t).want(t, line{"msg": "picture of a contact changed", "chat_id": "7@c.us"})
}

func TestBodiesOfUnexpectedShapeAreHandled(t *testing.T) {
	t.Parallel()
	for kind, bodies := range map[string][]string{
		"incomingCall":            {`{"status":5,"Status":{}}`, `{"isVideo":"yes","duration":12.5,"from":null}`, `{"duration":1e400}`},
		"incomingBlock":           {`{"chatId":{},"chatState":[]}`, `{"chatId":1,"chatState":"blocked","quotaData":"none"}`},
		"deviceInfo":              {`{"deviceData":{"battery":"90 %","osVersion":13}}`, `{"deviceData":{},"avatarInfo":7}`},
		"incomingMessageReceived": {`{"senderData":[],"messageData":{"textMessageData":"x"}}`, `{"messageData":{"quotedMessage":null}}`},
		"quotaExceeded":           {`{"quotaData":{"used":[],"total":null}}`, `{}`},
		"outgoingMessageStatus":   {`{"sendByApi":"true","status":404}`},
	} {
		for _, body := range bodies {
			handle(t, event(kind, body)).onlyLine(t)
		}
	}
}

func TestLongTextsAreCutInTheLog(t *testing.T) {
	t.Parallel()
	body := fmt.Sprintf(`{"status":"failed","description":"a%s"}`, strings.Repeat("ж", 1_000_000))
	line := handle(t, event("outgoingMessageStatus", body)).onlyLine(t)
	if got, want := line["description"], "a"+strings.Repeat("ж", 149)+"…"; got != want {
		t.Errorf("description %q", got)
	}
}
