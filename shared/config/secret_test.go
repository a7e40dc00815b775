package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"sluice.internal/shared/config"
)

func TestNoWayToPrintAConfigurationShowsASecret(t *testing.T) {
	t.Parallel()
	const yaml = `
nats: {url: "nats://me:hunter2@one,tls://hunter2@two:1", user: me, password: hunter2}
sources: {green-api: {tokens: [hunter2-0123456789]}}
`
	cfg := mustLoad(t, yaml, config.Options{})
	var out bytes.Buffer
	for _, value := range []any{cfg, *cfg, cfg.NATS, cfg.NATS.URL, &cfg.NATS.URL, cfg.NATS.Password, &cfg.NATS.Password, cfg.Sources, cfg.Sources["green-api"].Tokens} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
			slog.New(handler).Info("loaded", "value", value)
		}
		for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml3} {
			text, err := marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(text)
		}
	}
	out.WriteString(cfg.NATS.URL.String() + cfg.NATS.Password.String())
	if got := out.String(); strings.Contains(got, "hunter2") || strings.Contains(got, fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("a secret stands in\n%s", got)
	}
	if got, want := cfg.NATS.URL.String(), "nats://[redacted]@one,tls://[redacted]@two:1"; got != want {
		t.Errorf("the URL is shown as %s, want %s", got, want)
	}
	if cfg.NATS.URL.Reveal() != "nats://me:hunter2@one,tls://hunter2@two:1" || cfg.NATS.Password.Reveal() != "hunter2" {
		t.Error("Reveal does not give back what was written")
	}
}

func yaml3(value any) ([]byte, error) {
	return yaml.Marshal(value)
}

func TestURLsOfNATS(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"nats://host:4222": true, "host": true, "host:4222": true, "[::1]:4222": true, "wss://host/path": true, "tls://a, nats://b": true,
		"nats://token@host": true, "nats://me:a%2Cb@host": true,
		"": false, "http://host": false, "nats://": false, "nats://host:port": false, "me@host": false, "a,": false, "nats://me:1,2@host": false,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			url, err := config.ParseURL(text)
			if (err == nil) != ok {
				t.Fatalf("error is %v", err)
			}
			if ok && url.Reveal() != text {
				t.Errorf("got %q", url.Reveal())
			}
		})
	}
}
