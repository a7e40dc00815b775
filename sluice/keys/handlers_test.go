package keys_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
)

// verdict returns what becomes of an event of type paid, and how long its handler has.
func verdict(t *testing.T, cfg *config.Config) string {
	t.Helper()
	parts, stop, err := worker.Prepare(t.Context(), cfg, nil, os.Environ(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err.Error()
	}
	defer stop()
	event := notification.Event{
		Origin:   notification.Origin{Source: "green-api", Provider: "green-api", Body: []byte("{}")},
		Identity: notification.Identity{Type: "paid", Key: "key"},
	}
	handled, err := parts.Handlers.Handle(t.Context(), event, handler.Tools{})
	return fmt.Sprint(handled, err, parts.Handlers.Timeout("green-api", "paid"))
}

// handlerEffects are those of handlers that are no Go, and of what handlers are told.
func handlerEffects() map[string]effect {
	differ := func(base, changed string) effect {
		return differs(verdict, "handlers: {paid: {"+base+"}}\n", "handlers: {paid: {"+changed+"}}\n")
	}
	const greedy = `exec: [awk, 'BEGIN { s = "x"; while (length(s) < 400000000) s = s s }']`
	return map[string]effect{
		"settings":                    differs(verdict, "", "settings: {orders: {fee: 1}}\n"), // No handler reads it.
		"handlers.<handler>.type":     differ("exec: ['true']", "exec: ['true'], type: other"),
		"handlers.<handler>.provider": differ("exec: ['true']", "exec: ['true'], provider: stripe"),
		"handlers.<handler>.exec":     differ("exec: ['true']", "exec: ['false']"),
		"handlers.<handler>.timeout":  differ("exec: ['true']", "exec: ['true'], timeout: 7s"),
		"handlers.<handler>.memory":   differ(greedy+", memory: 4GiB", greedy+", memory: 64MiB"),
		"handlers.<handler>.url": func(t *testing.T) {
			t.Helper()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/right" {
					w.WriteHeader(http.StatusNotFound)
				}
			}))
			defer server.Close()
			differ("url: '"+server.URL+"/wrong'", "url: '"+server.URL+"/right'")(t)
		},
		"handlers.<handler>.secret_file": func(t *testing.T) {
			t.Helper()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Webhook-Signature") == "" {
					w.WriteHeader(http.StatusUnauthorized)
				}
			}))
			defer server.Close()
			base := "url: '" + server.URL + "'"
			differ(base, base+", secret_file: "+write(t, "secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZg==\n"))(t)
		},
	}
}
