package keys_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice.internal/receiver"
	"sluice.internal/shared/greenapi/mock"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/position"
	"sluice.internal/shared/streamtest"
)

const botToken = "the-token-of-the-bot-0123456789"

// served serves a configuration's bots until the test ends, and returns a function that asks for a path of the first instance.
func served(t *testing.T, yaml string) (ask func(method, path string) string, streams *streamtest.Streams) {
	t.Helper()
	cfg := loadAccounts(t, yaml)
	streams = streamtest.Start(t).Open(t)
	bots := receiver.New(receiver.Settings{
		Bots: cfg.Bots, Sources: cfg.Sources, Positions: position.NewClient(streams.Client), Alert: func(notification.Alert) {},
	}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- bots.Run(ctx) }()
	server := httptest.NewServer(bots)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() { cancel(); <-ended; client.CloseIdleConnections(); server.Close() }) //nolint:errcheck // It ends with its context.
	return func(method, path string) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/waInstance1101000001/"+path, strings.NewReader("{}"))
		streamtest.Must(t, err)
		response, err := client.Do(request)
		streamtest.Must(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		streamtest.Must(t, err)
		return fmt.Sprint(response.StatusCode, " ", string(body))
	}, streams
}

// botYAML is a bot with a token, and more.
func botYAML(t *testing.T, more string) string {
	t.Helper()
	return "sources: {green-api: {auth: none}, second: {provider: green-api, path: /second, auth: none}}\n" +
		"bots: {crm: {token_file: " + write(t, "bot", botToken) + more + "}}\n"
}

// counted returns how many of three events wait for a bot of the configuration: two types of one source, and one of another.
func counted(t *testing.T, more string) string {
	t.Helper()
	ask, streams := served(t, botYAML(t, more))
	if began := ask(http.MethodGet, "receiveNotification/"+botToken+"?receiveTimeout=1"); began != "200 null" {
		return began
	}
	for i, of := range []struct{ source, kind string }{{"green-api", "a"}, {"green-api", "b"}, {"second", "a"}} {
		n := streamtest.Notification(i)
		n.Source, n.Type, n.Instance, n.Body = of.source, of.kind, "1101000001", []byte("{}")
		event := streamtest.NewEvent(streams, &n, notification.Identity{Type: of.kind, Instance: n.Instance, Key: fmt.Sprint(i)})
		_, err := streams.PublishEvents(streamtest.Context(t), []notification.Event{event})
		streamtest.Must(t, err)
	}
	return ask(http.MethodGet, "getWebhooksCount/"+botToken)
}

// forwardedTo returns which of two hosts a bot's file goes to.
func forwardedTo(t *testing.T, media string) string {
	t.Helper()
	urls := map[string]string{}
	apis := map[string]*mock.Instance{}
	for _, name := range []string{"api", "media"} {
		api := mock.New(mock.Options{})
		apis[name] = api.Add("1101000001", accountToken)
		server := httptest.NewServer(api)
		t.Cleanup(server.Close)
		urls[name] = server.URL
	}
	instance := "api_url: '" + urls["api"] + "', token_file: " + write(t, "token", accountToken)
	if media != "" {
		instance += ", media_url: '" + urls[media] + "'"
	}
	ask, _ := served(t, accountYAML(instance)+"bots: {crm: {token_file: "+write(t, "bot", botToken)+"}}\n")
	ask(http.MethodPost, "sendFileByUpload/"+botToken)
	for name, api := range apis {
		if len(api.Sent()) > 0 {
			return name
		}
	}
	return "nowhere"
}

func botEffects() map[string]effect {
	differ := func(first, second string) effect {
		return func(t *testing.T) {
			t.Helper()
			if before, after := counted(t, first), counted(t, second); before == after {
				t.Errorf("with either it is answered %q", before)
			}
		}
	}
	return map[string]effect{
		"bots.<bot>.source":    differ("", ", source: second"),
		"bots.<bot>.instances": differ("", ", instances: ['42']"),
		"bots.<bot>.types":     differ("", ", types: [a]"),
		"bots.<bot>.token_file": func(t *testing.T) {
			t.Helper()
			if got := counted(t, ""); got != `200 {"count":2}` {
				t.Errorf("with the token it is answered %q", got)
			}
		},
		"bots.<bot>.forward": func(t *testing.T) {
			t.Helper()
			instance := "sources: {green-api: {auth: none, instances: {\"1101000001\": {api_url: 'http://127.0.0.1:1', token_file: " + write(t, "token", accountToken) + "}}}}\n"
			answer := func(forward string) string {
				ask, _ := served(t, instance+"bots: {crm: {forward: "+forward+", token_file: "+write(t, "bot", botToken)+"}}\n")
				return ask(http.MethodGet, "reboot/"+botToken)
			}
			if guarded, all := answer("guarded"), answer("all"); !strings.HasPrefix(guarded, "501") || !strings.HasPrefix(all, "502") {
				t.Errorf("guarded it is answered %q, and for all %q", guarded, all)
			}
		},
		"bots.<bot>.keep": func(t *testing.T) {
			t.Helper()
			if cfg := loadAccounts(t, botYAML(t, ", keep: 2h")); cfg.Bots["crm"].Keep != 2*time.Hour { // TestTooOldEventsArePassedOverAndCounted has the rest.
				t.Errorf("it keeps %s", cfg.Bots["crm"].Keep)
			}
		},
		"receiver.listen": func(t *testing.T) {
			t.Helper()
			cfg := loadAccounts(t, "receiver: {listen: '127.0.0.1:0'}\n"+botYAML(t, ""))
			bots := receiver.New(receiver.Settings{Bots: cfg.Bots, ShutdownTimeout: time.Second}, slog.New(slog.DiscardHandler))
			server, err := bots.Listen(t.Context(), cfg.Receiver.Listen)
			streamtest.Must(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := server.Run(ctx); err != nil || !strings.HasPrefix(server.Address(), "127.0.0.1:") {
				t.Errorf("it listens on %s, error %v", server.Address(), err)
			}
		},
	}
}
