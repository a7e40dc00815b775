package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.internal/shared/config"
)

// FuzzAnyFileLoadsOrHasFaults holds that no file panics or fails without a place and a message.
func FuzzAnyFileLoadsOrHasFaults(f *testing.F) {
	for _, yaml := range []string{
		with, "sources: &a {x: *a}\n", "a: &a [*a]\n", "log: &a\n  <<: [*a, *a]\n", "? {a: b}\n: c\n", "log:\n\tlevel: info\n", "--- !!map\n--- x\n...\n",
		"gateway: {listen: ':1', trusted_proxies: ['::ffff:0:0/90', 10.0.0.0/8], body_limit: 8 apples}\n", "streams: {lanes: 0x10, replicas: !!int '3'}\n",
		"nats: {url: 'nats://a:b@c,d', tls: {ca_file: x}}\n", "sources: {a: {path: //, auth: none, allow: [green-api]}, a: , '': {}, ~: {}}\n", "\xff\xfe\x00", "*a", "sources: {my.shop: {token: a}}\n", "%YAML 9\n---\n",
	} {
		f.Add(yaml)
	}
	path := filepath.Join(f.TempDir(), "sluice.yaml")
	f.Fuzz(func(t *testing.T, yaml string) {
		if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		// Without tokens, so that no file is read that the fuzzer thinks of.
		cfg, err := config.Load(config.Options{File: path, Providers: providers(), WithoutTokens: true})
		if (cfg == nil) == (err == nil) {
			t.Fatalf("got %v and %v", cfg, err)
		}
		var faults config.Faults
		if err != nil && (!errors.As(err, &faults) || len(faults) == 0) {
			t.Fatalf("got %v", err)
		}
		for _, fault := range faults {
			if fault.Message == "" || !strings.HasPrefix(fault.Place, path) {
				t.Errorf("got %q", fault)
			}
		}
	})
}

func FuzzAnyVariableIsKnownOrAFault(f *testing.F) {
	for _, k := range config.Keys() {
		f.Add(k.Env, k.Default)
		f.Add(strings.ReplaceAll(k.Env, "<SOURCE>", "GREEN_API"), sample(k))
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		if strings.Contains(name, "_FILE") {
			return // it would be read
		}
		cfg, err := config.Load(config.Options{Environ: []string{name + "=" + value}, Providers: providers(), AllowMissingTokens: true})
		if (cfg == nil) == (err == nil) {
			t.Fatalf("got %v and %v", cfg, err)
		}
	})
}
