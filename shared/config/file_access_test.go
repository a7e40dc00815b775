package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.internal/shared/config"
)

func TestSecretsThatEverybodyCanReadAreWarnedOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode os.FileMode
		want bool
	}{
		"everybody reads": {0o644, true}, "everybody writes": {0o666, true}, "the group reads": {0o440, false}, "the owner alone": {0o600, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			const secret = "a-secret-that-is-long-enough"
			contents := map[string]string{
				"sluice.yaml": "sources:\n  green-api: {token: " + secret + "}\n  other: {provider: green-api, path: /other, token_file: token}\n" +
					"nats: {user: a, password_file: password}\n",
				"token": secret + "\n", "password": secret + "\n",
			}
			for file, content := range contents {
				path := filepath.Join(dir, file)
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(path, test.mode); err != nil {
					t.Fatal(err)
				}
			}
			cfg, err := config.Load(config.Options{File: filepath.Join(dir, "sluice.yaml"), Providers: map[string]config.Provider{
				"green-api": {Path: "/green-api/webhook"},
			}})
			if err != nil {
				t.Fatal(err)
			}
			warnings := strings.Join(cfg.Warnings, "\n")
			for file := range contents {
				says := `"` + filepath.Join(dir, file) + `" has a secret in it and can be read or written by others`
				if got := strings.Count(warnings, says); got != map[bool]int{true: 1}[test.want] {
					t.Errorf("%s is warned of %d times:\n%s", file, got, warnings)
				}
			}
			if strings.Contains(warnings, secret) {
				t.Errorf("the secret is in the warnings:\n%s", warnings)
			}
		})
	}
}

// TestFileThatOthersWriteIsReadOnlyWhenItIsNamed changes the working directory, which is the process's.
func TestFileThatOthersWriteIsReadOnlyWhenItIsNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(config.DefaultFile, []byte("log: {level: debug}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(config.DefaultFile, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(config.Options{WithoutTokens: true})
	if err == nil || !strings.Contains(err.Error(), "can be written by others (mode 0666); name it with --config") {
		t.Errorf("found: %v", err)
	}
	if cfg, err := config.Load(config.Options{WithoutTokens: true, File: config.DefaultFile}); err != nil || cfg.Log.Level.String() != "DEBUG" {
		t.Errorf("named: %+v, %v", cfg, err)
	}
	if err := os.Chmod(config.DefaultFile, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(config.Options{WithoutTokens: true}); err != nil {
		t.Errorf("one's own: %v", err)
	}
}
