// Package keys_test holds that every key of the configuration has an effect.
//
// A key that nobody reads is worse than none: it is documented, checked, and does nothing. So each key has an entry in
// effects that changes it and looks at what the programs do differently: what a source accepts (sources_test.go), how the
// streams are made (streams_test.go), how a gateway answers (gateway_test.go), which consumers a worker makes
// (worker_test.go), what handlers get (handlers_test.go), what GREEN-API is asked (accounts_test.go), and what a process does before that (process_test.go). A key without an entry fails the test.
package keys_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// effect fails the test when its key has no effect.
type effect func(t *testing.T)

// effects returns the effect of each key. Entries with several keys would hide one that has none, so there are none.
func effects() map[string]effect {
	all := map[string]effect{}
	for _, some := range []map[string]effect{
		processEffects(), natsEffects(), gatewayEffects(), sourceEffects(), workerEffects(), streamEffects(), accountEffects(),
		handlerEffects(),
	} {
		for key, one := range some {
			all[key] = one
		}
	}
	return all
}

func TestEveryKeyHasAnEffect(t *testing.T) {
	t.Parallel()
	effects := effects()
	for _, key := range config.Keys() {
		one, listed := effects[key.Key]
		if !listed {
			t.Errorf("%s has no entry here: change it, and look at what is different", key.Key)
			continue
		}
		delete(effects, key.Key)
		t.Run(key.Key, func(t *testing.T) {
			t.Parallel()
			one(t)
		})
	}
	for key := range effects {
		t.Errorf("%s is no key any more", key)
	}
}

// load reads the text as a gateway and a worker would.
func load(t *testing.T, yaml string) *config.Config {
	t.Helper()
	cfg, err := config.Load(config.Options{
		File: write(t, "sluice.yaml", yaml), Environ: []string{"SECRET=of-a-variable-0123456789"},
		Providers: source.Known(), AllowMissingTokens: true, HandlerSecrets: true,
	})
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, yaml)
	}
	return cfg
}

// write makes a file in a folder of its own and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// differs makes an effect of two configurations that differ in one key, and of what is observed with each.
func differs(observe func(t *testing.T, cfg *config.Config) string, base, changed string) effect {
	return func(t *testing.T) {
		t.Helper()
		if before, after := observe(t, load(t, base)), observe(t, load(t, changed)); before == after {
			t.Errorf("it changes nothing: with\n%s\nand with\n%s\nthere is\n%s", base, changed, before)
		}
	}
}
