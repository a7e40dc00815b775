package readme_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
)

// Every configuration in docs/senders.md is one that Sluice takes, with files where it says they are.
func TestConfigurationsOfSendersAreValid(t *testing.T) {
	t.Parallel()
	text := read(t, "docs/senders.md")
	blocks := regexp.MustCompile("(?s)\n```yaml\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(blocks) < 12 {
		t.Fatalf("found %d configurations", len(blocks))
	}
	var providers []string
	for _, block := range blocks {
		dir := t.TempDir()
		yaml := regexp.MustCompile(`/(run/secrets|etc/sluice)/`).ReplaceAllString(block[1], dir+"/")
		for _, name := range regexp.MustCompile(regexp.QuoteMeta(dir)+`/[a-z.-]+`).FindAllString(yaml, -1) {
			content := "a-secret-of-this-source\n"
			if strings.Contains(yaml, "standard-webhooks") {
				content = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"
			}
			if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(dir, "sluice.yaml")
		if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(config.Options{
			File: file, Providers: source.Known(), Environ: []string{"GITHUB_WEBHOOK_SECRET=a-secret-of-this-source"},
		})
		if err != nil {
			t.Errorf("%v\nof\n%s", err, block[1])
			continue
		}
		for _, configured := range cfg.Sources {
			providers = append(providers, configured.Provider)
		}
	}
	slices.Sort(providers)
	if got := slices.Compact(providers); !slices.Equal(got, source.Names()) {
		t.Errorf("the document has %q, there are %q", got, source.Names())
	}
}

func TestCausesOfRefusalsAreDocumented(t *testing.T) {
	t.Parallel()
	text := read(t, "docs/senders.md")
	causes := regexp.MustCompile(`Cause[A-Za-z0-9]+ += "([a-z0-9-]+)"`).FindAllStringSubmatch(read(t, "shared/source/refusal.go"), -1)
	if len(causes) < 14 {
		t.Fatalf("found %d causes", len(causes))
	}
	for _, cause := range causes {
		if !strings.Contains(text, "`"+cause[1]+"`") {
			t.Errorf("docs/senders.md does not say what %s means", cause[1])
		}
	}
}
