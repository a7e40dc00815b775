package config_test

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
)

const token = "0123456789abcdef"

func providers() map[string]config.Provider {
	return map[string]config.Provider{
		"green-api": {Path: "/green-api/webhook/", PublishTimeout: 30 * time.Second, Lists: []string{"green-api"}},
		"stripe":    {Path: "/stripe/webhook", PublishTimeout: 4 * time.Second},
	}
}

// folder writes files into a folder of the test's own.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// load reads the text as sluice.yaml. In the error, the file is called sluice.yaml whatever its folder.
func load(t *testing.T, yaml string, opts config.Options) (*config.Config, string) {
	t.Helper()
	dir := folder(t, map[string]string{"sluice.yaml": yaml})
	opts.File = filepath.Join(dir, "sluice.yaml")
	if opts.Providers == nil {
		opts.Providers = providers()
	}
	cfg, err := config.Load(opts)
	if err == nil {
		return cfg, ""
	}
	if cfg != nil {
		t.Error("a configuration came back beside the faults")
	}
	return nil, strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")
}

// mustLoad is load for what has no faults.
func mustLoad(t *testing.T, yaml string, opts config.Options) *config.Config {
	t.Helper()
	cfg, faults := load(t, yaml, opts)
	if faults != "" {
		t.Fatalf("Load:\n%s", faults)
	}
	return cfg
}

func TestNothingConfiguredGivesTheDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(config.Options{Providers: providers(), AllowMissingTokens: true})
	if err != nil {
		t.Fatal(err)
	}
	url, err := config.ParseURL("nats://127.0.0.1:4222")
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Log:  config.Log{Level: slog.LevelInfo, Format: "auto", Personal: "hash"},
		NATS: config.NATS{URL: url},
		Gateway: config.Gateway{
			Listen: ":8080", ForwardedHeader: "X-Forwarded-For", BodyLimit: 32 * config.MiB, HeaderLimit: 16 * config.KiB, MinRate: 32 * config.KiB,
			HeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, ShutdownTimeout: 30 * time.Second,
		},
		Sources: map[string]config.Source{"green-api": {
			Name: "green-api", Provider: "green-api", Path: "/green-api/webhook", Auth: config.AuthToken, Mode: config.ModeObserve, PublishDeadline: 30 * time.Second,
		}},
		Receiver: config.Receiver{Listen: ":8082"},
		Worker: config.Worker{
			Group: "default", Ordered: true, Concurrency: 256, HandlerTimeout: time.Minute, OnFailure: config.OnFailurePark, RetryFor: 24 * time.Hour,
			Intake: true, Handlers: true, ShutdownTimeout: 30 * time.Second,
		},
		Streams: config.Streams{
			Replicas:      1,
			Manage:        true,
			Retries:       config.Retries{MaxBytes: 2 * config.GiB},
			Notifications: config.Notifications{Keep: 24 * time.Hour, MaxAge: 720 * time.Hour},
			Events:        config.Events{Keep: 168 * time.Hour, MaxAge: 720 * time.Hour, DuplicateWindow: 48 * time.Hour},
			DeadLetters:   config.DeadLetters{MaxBytes: config.GiB, Keep: 720 * time.Hour},
			Rejections:    config.Rejections{MaxBytes: 128 * config.MiB, Keep: 168 * time.Hour},
			Alerts:        config.Alerts{MaxBytes: 16 * config.MiB, Keep: 720 * time.Hour, GroupWindow: 15 * time.Minute},
		},
	}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got  %+v\nwant %+v", cfg, want)
	}
}

func TestAnEmptyFileIsAsGoodAsNone(t *testing.T) {
	t.Parallel()
	for name, yaml := range map[string]string{
		"nothing":        "",
		"a comment":      "# nothing yet\n",
		"null":           "~\n",
		"empty sections": "gateway:\nsources:\nstreams: {}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := mustLoad(t, yaml, config.Options{AllowMissingTokens: true})
			if cfg.Gateway.Listen != ":8080" || len(cfg.Sources) != 1 {
				t.Errorf("got %+v", cfg)
			}
		})
	}
}

func TestFlagsWinOverVariablesAndVariablesOverTheFile(t *testing.T) {
	t.Parallel()
	const yaml = "gateway: {listen: ':1', body_limit: 1MiB}\nworker: {group: file, types: [a, b]}\nstreams: {lanes: 8}\n"
	cfg := mustLoad(t, yaml, config.Options{
		AllowMissingTokens: true,
		Environ:            []string{"SLUICE_GATEWAY_LISTEN=:2", "SLUICE_WORKER_GROUP=variable", "SLUICE_WORKER_TYPES=c, d", "HOME=/"},
		Flags:              map[string]string{"gateway.listen": ":3"},
	})
	got := []any{cfg.Gateway.Listen, cfg.Worker.Group, cfg.Worker.Types, cfg.Gateway.BodyLimit, cfg.Streams.Lanes, cfg.Streams.Shards}
	want := []any{":3", "variable", []string{"c", "d"}, config.MiB, 8, 0}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheDefaultFileIsReadWhenNoneIsNamed(t *testing.T) {
	t.Chdir(folder(t, map[string]string{config.DefaultFile: "worker: {group: mine}\n"}))
	cfg, err := config.Load(config.Options{AllowMissingTokens: true})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Worker.Group != "mine" {
		t.Errorf("group is %q", cfg.Worker.Group)
	}
}

func TestANamedFileMustBeThere(t *testing.T) {
	t.Parallel()
	_, err := config.Load(config.Options{File: "nowhere/sluice.yaml", Environ: []string{"SLUICE_LOG_LEVEL=loud"}})
	want := "nowhere/sluice.yaml: no such file; create it or correct the path\n" +
		`SLUICE_LOG_LEVEL: "loud" is not one of debug, info, warn, error`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %v", err, want)
	}
}

func TestValuesCanBeWrittenInManyWays(t *testing.T) {
	t.Parallel()
	const yaml = `
log: {level: WARN, format: JSON}
nats: {url: "nats://a:4222, tls://b"}
admin: {listen: "[::1]:9090"}
gateway:
  trusted_proxies: &proxies ["10.0.0.0/8", 192.0.2.7, "::ffff:198.51.100.0/120", "::ffff:203.0.113.9", "2001:db8::/32", "::1"]
  forwarded_header: forwarded
  body_limit: 65536
  header_timeout: 1m30s
sources:
  green-api: {auth: none, allow: *proxies}
worker: {intake: false, types: [incomingCall]}
streams: {replicas: 3, events: {keep: 48h}}
`
	cfg := mustLoad(t, yaml, config.Options{})
	prefixes := []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.9/32"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("::1/128"),
	}
	allowed, _ := cfg.Sources["green-api"].Allowed()
	got := []any{
		cfg.Log.Level, cfg.Log.Format, cfg.NATS.URL.Reveal(), cfg.Admin.Listen, cfg.Gateway.TrustedProxies, cfg.Gateway.ForwardedHeader,
		cfg.Gateway.BodyLimit, cfg.Gateway.HeaderTimeout, allowed, cfg.Worker.Intake, cfg.Streams.Replicas,
	}
	want := []any{
		slog.LevelWarn, "json", "nats://a:4222, tls://b", "[::1]:9090", prefixes, "Forwarded",
		64 * config.KiB, 90 * time.Second, prefixes, false, 3,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
