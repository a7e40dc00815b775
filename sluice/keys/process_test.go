package keys_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/up"
)

// logged returns what a process writes to its log that says one thing at each of two levels.
func logged(t *testing.T, variable string) string {
	t.Helper()
	var out bytes.Buffer
	options := config.Options{
		File: write(t, "sluice.yaml", ""), WithoutTokens: true, Environ: []string{variable, "GOGC=100", "GOMEMLIMIT=off"},
	}
	err := service.Start(t.Context(), service.Process{Stderr: &out, Abort: func() {}}, options,
		func(_ context.Context, _ *config.Config, log *slog.Logger) error {
			log.Debug("quiet")
			log.Info("loud", "chat_id", "79001234567@c.us")
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// refused returns why a whole Sluice does not start.
func refused(t *testing.T, cfg *config.Config) string {
	t.Helper()
	err := up.Run(t.Context(), cfg, up.Options{
		Data: t.TempDir(), NATSListen: "127.0.0.1:0", Command: "sluice", Out: io.Discard,
	}, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Error("it ended without an error")
		return ""
	}
	return err.Error()
}

func processEffects() map[string]effect {
	return map[string]effect{
		"log.level": func(t *testing.T) {
			t.Helper()
			if got := logged(t, "SLUICE_LOG_LEVEL=debug"); !strings.Contains(got, "quiet") || strings.Contains(logged(t, ""), "quiet") {
				t.Errorf("logged %s", got)
			}
		},
		"log.format": func(t *testing.T) {
			t.Helper()
			if got := logged(t, "SLUICE_LOG_FORMAT=text"); strings.HasPrefix(got, "{") || !strings.HasPrefix(logged(t, "SLUICE_LOG_FORMAT=json"), "{") {
				t.Errorf("logged %s", got)
			}
		},
		"log.personal": func(t *testing.T) {
			t.Helper()
			const id = "79001234567@c.us"
			if got := logged(t, "SLUICE_LOG_PERSONAL=keep"); !strings.Contains(got, id) || strings.Contains(logged(t, "SLUICE_LOG_PERSONAL=drop"), id) {
				t.Errorf("logged %s", got)
			}
		},
		"memory_limit": func(t *testing.T) {
			t.Helper()
			err := service.Start(t.Context(), service.Process{Stderr: io.Discard, Abort: func() {}}, config.Options{
				File: write(t, "sluice.yaml", "memory_limit: 80MiB\n"), WithoutTokens: true, Environ: []string{"GOGC=100", "GOMEMLIMIT=off"},
			}, func(_ context.Context, cfg *config.Config, _ *slog.Logger) error {
				if cfg.MemoryLimit != 80*config.MiB {
					t.Errorf("the parts of the process divide %s", cfg.MemoryLimit)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		},
		"admin.listen": func(t *testing.T) {
			t.Helper()
			if got := refused(t, load(t, "gateway: {listen: '127.0.0.1:0'}\nadmin: {listen: '"+taken(t)+"'}\n")); !strings.Contains(got, "start health checks") {
				t.Errorf("with an address in use: %s", got)
			}
		},
	}
}

// taken returns an address that somebody listens on until the test ends.
func taken(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// connected returns what comes of connecting to NATS.
func connected(t *testing.T, cfg *config.Config) string {
	t.Helper()
	conn, err := stream.Connect(cfg.NATS, "sluice keys", slog.New(slog.DiscardHandler))
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	return "connected"
}

func natsEffects() map[string]effect {
	// with makes an effect of one or two sets of keys, at a server that wants a user and a password.
	with := func(keys func(t *testing.T) (base, changed string)) effect {
		return func(t *testing.T) {
			t.Helper()
			running := streamtest.Start(t, func(options *streamtest.Options) { options.Username, options.Password = "me", "right" })
			base, changed := keys(t)
			differs(connected, "nats: {url: '"+running.URL()+"'"+base+"}\n", "nats: {url: '"+running.URL()+"'"+changed+"}\n")(t)
		}
	}
	texts := func(base, changed string) effect {
		return with(func(*testing.T) (string, string) { return base, changed })
	}
	file := func(key string) effect {
		return with(func(t *testing.T) (string, string) {
			t.Helper()
			return "", ", " + key + ": " + write(t, "file", "nothing of use")
		})
	}
	tls := func(first, second func(one, other pair) string) effect {
		return with(func(t *testing.T) (string, string) {
			t.Helper()
			one, other := newPair(t), newPair(t)
			return ", tls: {" + first(one, other) + "}", ", tls: {" + second(one, other) + "}"
		})
	}
	whole := func(one, _ pair) string { return "cert_file: " + one.cert + ", key_file: " + one.key }
	return map[string]effect{
		"nats.url": func(t *testing.T) {
			t.Helper()
			running := streamtest.Start(t)
			differs(connected, "nats: {url: '"+running.URL()+"'}\n", "nats: {url: 'nats://"+refusing(t)+"'}\n")(t)
		},
		"nats.user":     texts(", user: me, password: right", ", user: you, password: right"),
		"nats.password": texts(", user: me, password: right", ", user: me, password: wrong"),
		"nats.password_file": with(func(t *testing.T) (string, string) {
			t.Helper()
			return ", user: me, password: wrong", ", user: me, password_file: " + write(t, "password", "right\n")
		}),
		"nats.credentials_file": file("credentials_file"),
		"nats.nkey_file":        file("nkey_file"),
		"nats.encryption_key_file": func(t *testing.T) {
			t.Helper()
			key := write(t, "short.key", "short")
			if got := refused(t, load(t, "gateway: {listen: '127.0.0.1:0'}\nnats: {encryption_key_file: '"+key+"'}\n")); !strings.Contains(got, key) {
				t.Errorf("with a key that is none: %s", got)
			}
		},
		"nats.tls.ca_file": with(func(t *testing.T) (string, string) {
			t.Helper()
			return "", ", tls: {ca_file: " + write(t, "ca.pem", "nothing of use") + "}"
		}),
		"nats.tls.cert_file": tls(whole, func(one, other pair) string { return "cert_file: " + other.cert + ", key_file: " + one.key }),
		"nats.tls.key_file":  tls(whole, func(one, other pair) string { return "cert_file: " + one.cert + ", key_file: " + other.key }),
	}
}

// refusing returns an address that nobody listens on any more.
func refusing(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
