package up_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi"
	"sluice.internal/shared/greenapi/mock"
	"sluice.internal/shared/streamtest"
)

// The whole way: GREEN-API hands a message out to Sluice, a bot takes it from there, answers through Sluice, and GREEN-API has
// the answer. What was not deleted is there again after a restart.
func TestBotReceivesAndAnswersThroughSluice(t *testing.T) { //nolint:gocyclo // One story, told step by step.
	t.Parallel()
	const instance, botToken = "1101000001", "the-token-of-the-bot-0123456789"
	api := mock.New(mock.Options{MaxWait: 50 * time.Millisecond})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	account := api.Add(instance, apiToken)
	configured := func() *config.Config {
		cfg := polling(t, server.URL, instance)
		cfg.Bots = map[string]config.Bot{"crm": {
			Name: "crm", Source: "green-api", TokenFile: "x", Tokens: []config.Secret{config.NewSecret(botToken)},
			Keep: time.Hour, Forward: config.ForwardGuarded,
		}}
		return cfg
	}
	dir := t.TempDir()
	running := startWith(t, dir, configured())
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := func() *greenapi.Client {
		made, err := greenapi.New(greenapi.Account{Instance: instance, URL: running.Description(t).GatewayURL, Token: botToken}, transport)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	ctx := streamtest.Context(t)
	if nothing, err := client().Receive(ctx, 5*time.Second, 1<<20); nothing != nil || err != nil { // Now the bot has begun.
		t.Fatalf("got %+v, error %v", nothing, err)
	}
	account.Push([]byte(polledCall(instance, 1)))
	receive := func() *greenapi.Received {
		for {
			received, err := client().Receive(ctx, 20*time.Second, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if received != nil {
				return received
			}
		}
	}
	first := receive()
	if string(first.Body) != polledCall(instance, 1) {
		t.Errorf("received %s", first.Body)
	}
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	running = startWith(t, dir, configured())
	if again := receive(); again.Receipt != first.Receipt || string(again.Body) != string(first.Body) {
		t.Errorf("after a restart %+v", again)
	}
	answer, err := http.Post(running.Description(t).GatewayURL+"/waInstance"+instance+"/sendMessage/"+botToken, "application/json",
		strings.NewReader(`{"chatId":"7@c.us","message":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var sent struct{ IDMessage string }
	if text, err := io.ReadAll(answer.Body); err != nil || json.Unmarshal(text, &sent) != nil || sent.IDMessage == "" || fmt.Sprint(len(account.Sent())) != "1" {
		t.Errorf("answered %s, sent %+v", text, account.Sent())
	}
	if deleted, err := client().Delete(ctx, first.Receipt); !deleted || err != nil {
		t.Errorf("deleted %t, error %v", deleted, err)
	}
	if status, _ := running.post(call); status != http.StatusOK {
		t.Errorf("a webhook beside: status %d", status)
	}
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	if said := running.Log.String(); strings.Contains(said, apiToken) || strings.Contains(said, botToken) {
		t.Error("a token is in the log")
	}
}
