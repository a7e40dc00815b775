package greenapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/greenapi"
	"sluice.internal/shared/greenapi/mock"
)

const chat = "79001234567@c.us"

// Each method is called as GREEN-API documents it.
func TestMethodsThatSendAreCalledAsDocumented(t *testing.T) {
	t.Parallel()
	c, instance := start(t, mock.Options{})
	preview := false
	for method, one := range map[string]struct {
		call func() (string, error)
		body string
	}{
		"sendMessage": {func() (string, error) {
			return c.SendMessage(t.Context(), greenapi.Message{ChatID: chat, Text: "Hello <&> 😃", QuotedMessageID: "A", LinkPreview: &preview})
		}, `{"chatId":"79001234567@c.us","linkPreview":false,"message":"Hello <&> 😃","quotedMessageId":"A"}`},
		"sendFileByUrl": {func() (string, error) {
			return c.SendFileByURL(t.Context(), greenapi.File{ChatID: chat, URL: "https://a/b.pdf", Name: "b.pdf", Caption: "the bill"})
		}, `{"caption":"the bill","chatId":"79001234567@c.us","fileName":"b.pdf","urlFile":"https://a/b.pdf"}`},
		"sendPoll": {func() (string, error) {
			return c.SendPoll(t.Context(), greenapi.Poll{ChatID: chat, Question: "Which?", Options: greenapi.PollOptions("green", "red")})
		}, `{"chatId":"79001234567@c.us","message":"Which?","multipleAnswers":false,"options":[{"optionName":"green"},{"optionName":"red"}]}`},
		"sendLocation": {func() (string, error) {
			return c.SendLocation(t.Context(), greenapi.Location{ChatID: chat, Latitude: 44.9370129, Longitude: 89.8728409, Name: "here"})
		}, `{"chatId":"79001234567@c.us","latitude":44.9370129,"longitude":89.8728409,"nameLocation":"here"}`},
		"sendContact": {func() (string, error) {
			return c.SendContact(t.Context(), greenapi.Contact{ChatID: chat, Person: greenapi.Person{Phone: 79001234568, FirstName: "Artyom"}})
		}, `{"chatId":"79001234567@c.us","contact":{"firstName":"Artyom","phoneContact":79001234568}}`},
		"forwardMessages": {func() (string, error) {
			ids, err := c.ForwardMessages(t.Context(), greenapi.Forward{ChatID: chat, From: "1@g.us", Messages: []string{"A", "B"}})
			return strings.Join(ids, " "), err
		}, `{"chatId":"79001234567@c.us","chatIdFrom":"1@g.us","messages":["A","B"]}`},
		"readChat": {func() (string, error) {
			return "none", c.ReadChat(t.Context(), chat, "A")
		}, `{"chatId":"79001234567@c.us","idMessage":"A"}`},
		"checkWhatsapp": {func() (string, error) {
			exists, err := c.CheckWhatsapp(t.Context(), 79001234567)
			return fmt.Sprint(exists), err
		}, `{"phoneNumber":79001234567}`},
	} {
		got, err := one.call()
		if err != nil || got == "" {
			t.Errorf("%s: returned %q, error %v", method, got, err)
			continue
		}
		sent := instance.Sent()
		last := sent[len(sent)-1]
		if last.Verb != http.MethodPost || last.Method != method || last.ContentType != "application/json" || sorted(t, last.Body) != sorted(t, []byte(one.body)) {
			t.Errorf("%s: sent %s %s %s: %s", method, last.Verb, last.Method, last.ContentType, last.Body)
		}
	}
}

// sorted returns a document with its names in order.
func sorted(t *testing.T, document []byte) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(document, &members); err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Whoever gets an error has to know whether sending again may send twice.
func TestErrorSaysWhetherTheMessageMayBeSent(t *testing.T) {
	t.Parallel()
	c, instance := start(t, mock.Options{})
	for fault, want := range map[string]struct {
		reason    greenapi.Reason
		mayBeDone bool
	}{
		"400": {greenapi.Invalid, false}, "401": {greenapi.Unauthorized, false}, "403": {greenapi.NoInstance, false},
		"413": {greenapi.Invalid, false}, "429": {greenapi.TooManyRequests, false}, "466": {greenapi.QuotaExceeded, false},
		"499": {greenapi.Unavailable, true}, "500": {greenapi.Unavailable, true}, "502": {greenapi.Unavailable, true},
		mock.FaultStarting: {greenapi.Starting, false}, mock.FaultExpired: {greenapi.Inactive, false},
		mock.FaultLoseAnswer: {greenapi.Unavailable, true}, mock.FaultCut: {greenapi.Unavailable, true},
		mock.FaultHTML: {greenapi.Unavailable, true}, mock.FaultHTML200: {greenapi.Unreadable, true}, mock.FaultObject: {greenapi.Unreadable, true},
	} {
		instance.Faults(mock.Fault{Method: "sendMessage", Name: fault, RetryAfter: 7})
		_, err := c.SendMessage(t.Context(), greenapi.Message{ChatID: chat, Text: "Hello"})
		var failure *greenapi.Error
		if !errors.As(err, &failure) || failure.Reason != want.reason || failure.MayBeDone != want.mayBeDone {
			t.Errorf("%s: error %+v, want %+v", fault, err, want)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, failure), token) {
			t.Errorf("%s: the token is in %v", fault, err)
		}
	}
}

func TestMessageThatNobodyTookIsNotSent(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + listener.Addr().String()
	_ = listener.Close()
	_, err = client(t, nobody, token).SendMessage(t.Context(), greenapi.Message{ChatID: chat, Text: "Hello"})
	var failure *greenapi.Error
	if !errors.As(err, &failure) || failure.MayBeDone || strings.Contains(err.Error(), token) {
		t.Errorf("nobody listens: %+v", err)
	}
	c, instance := start(t, mock.Options{})
	instance.Faults(mock.Fault{Name: mock.FaultHang})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = c.SendMessage(ctx, greenapi.Message{ChatID: chat, Text: "Hello"})
	if !errors.As(err, &failure) || !failure.MayBeDone || strings.Contains(err.Error(), token) {
		t.Errorf("no answer in time: %+v", err)
	}
}

func TestWhatWaitsAndWhatWasSentIsTold(t *testing.T) {
	t.Parallel()
	c, instance := start(t, mock.Options{})
	began := time.Now().Add(-time.Second)
	for _, text := range []string{"first", "second"} {
		if _, err := c.SendMessage(t.Context(), greenapi.Message{ChatID: chat, Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	sent, err := c.Sent(t.Context(), began)
	if err != nil || len(sent) != 2 || sent[0].Text != "second" || sent[0].ChatID != chat || sent[0].ID == "" || sent[0].SentAt.Before(began.Add(-time.Second)) {
		t.Errorf("sent %+v, error %v", sent, err)
	}
	instance.Hold(true)
	waiting, err := c.Waiting(t.Context())
	if err != nil || len(waiting) != 1 || waiting[0].Text != "second" || waiting[0].ChatID != chat {
		t.Errorf("waiting %+v, error %v", waiting, err)
	}
	if sent, err = c.Sent(t.Context(), began); err != nil || len(sent) != 0 {
		t.Errorf("sent %+v although it waits, error %v", sent, err)
	}
}
