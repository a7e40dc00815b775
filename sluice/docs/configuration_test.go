package docs_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
)

func TestTableOfKeysIsTheProgramsOwn(t *testing.T) {
	t.Parallel()
	printed := sluice(t, "config", "keys", "--markdown")
	_, table, found := strings.Cut(read(t, "docs/configuration.md"), "<!-- sluice config keys --markdown -->\n")
	table, _, ended := strings.Cut(table, "<!-- end -->")
	if !found || !ended || strings.TrimSpace(table) != strings.TrimSpace(printed) {
		t.Error("the table differs; put the output of `sluice config keys --markdown` between its marks")
	}
}

func TestTableOfSendersIsTheProgramsOwn(t *testing.T) {
	t.Parallel()
	printed := sluice(t, "config", "senders", "--markdown")
	_, table, found := strings.Cut(read(t, "docs/senders.md"), "<!-- sluice config senders --markdown -->\n")
	table, _, ended := strings.Cut(table, "<!-- end -->")
	if !found || !ended || strings.TrimSpace(table) != strings.TrimSpace(printed) {
		t.Error("the table differs; put the output of `sluice config senders --markdown` between its marks")
	}
	for line := range strings.Lines(printed) {
		if cells := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); cells != 12 {
			t.Errorf("a row has %d cells: %s", cells-1, line)
		}
	}
}

// Every configuration in a document is one that Sluice takes, with files where it says that they are.
func TestConfigurationsAreValid(t *testing.T) {
	t.Parallel()
	var providers []string
	for _, document := range documents(t) {
		// What a recipe adds is tried together with the recipe.
		document.text, _, _ = strings.Cut(document.text, "\n## Add a provider\n")
		for _, block := range document.blocks("yaml") {
			for _, configured := range load(t, document.name, block) {
				providers = append(providers, configured.Provider)
			}
		}
	}
	slices.Sort(providers)
	if got := slices.Compact(providers); !slices.Equal(got, source.Names()) {
		t.Errorf("the documents configure %q, there are %q", got, source.Names())
	}
}

// load reads a configuration whose files are made for it, and returns its sources.
func load(t *testing.T, document, block string) map[string]config.Source {
	t.Helper()
	dir := t.TempDir()
	yaml := regexp.MustCompile(`/(run/secrets|etc/sluice)/`).ReplaceAllString(block, dir+"/")
	for _, name := range regexp.MustCompile(regexp.QuoteMeta(dir)+`/[a-z.-]+`).FindAllString(yaml, -1) {
		content := "a-secret-of-this-source\n"
		if strings.Contains(yaml, "standard-webhooks") {
			content = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"
		}
		if filepath.Base(name) == "paypal.pem" {
			content = publicKey(t)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "sluice.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"GITHUB_WEBHOOK_SECRET=a-secret-of-this-source"}
	if !strings.Contains(yaml, "sources:") { // It is a part of one; the rest has the token.
		environ = append(environ, "SLUICE_SOURCES_GREEN_API_TOKEN=a-secret-of-this-source")
	}
	cfg, err := config.Load(config.Options{File: file, Providers: source.Known(), Environ: environ})
	if err != nil {
		t.Errorf("%s: %v\nof\n%s", document, err, block)
		return nil
	}
	return cfg.Sources
}

// publicKey is one as a sender's certificate has it.
func publicKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestCausesOfRefusalsAreDocumented(t *testing.T) {
	t.Parallel()
	var names []string
	for _, name := range projectFiles(t) {
		if strings.HasPrefix(name, "shared/") && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			names = append(names, name)
		}
	}
	text := read(t, "docs/senders.md")
	found := 0
	for _, name := range names {
		for _, cause := range regexp.MustCompile(`\bCause[A-Za-z0-9]+ += "([a-z0-9-]+)"`).FindAllStringSubmatch(read(t, name), -1) {
			found++
			if !strings.Contains(text, "`"+cause[1]+"`") {
				t.Errorf("docs/senders.md does not say what %s means", cause[1])
			}
		}
	}
	if found < 14 {
		t.Fatalf("found %d causes", found)
	}
}
