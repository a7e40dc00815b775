package scaffold_test

import (
	"encoding/json"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"sluice.internal/sluice/scaffold"
)

// checkout is that of this test.
func checkout(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What it builds is for the tests in sluice/e2e.
func TestFilesAreAsTheirKindsAre(t *testing.T) {
	t.Parallel()
	for _, options := range []scaffold.Options{{Checkout: checkout(t)}, {Fork: "example.org/you/sluice@v0.2.0", Module: "example.com/team/shop"}} {
		options.Dir = filepath.Join(t.TempDir(), "shop")
		written, err := scaffold.Write(options)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range written {
			text := read(t, options.Dir, name)
			if strings.Contains(text, "<<") || strings.Contains(text, "<no value>") {
				t.Errorf("%s has something to fill in:\n%s", name, text)
			}
			switch filepath.Ext(name) {
			case ".go":
				if formatted, err := format.Source([]byte(text)); err != nil || string(formatted) != text {
					t.Errorf("%s is not as gofmt writes it, error %v", name, err)
				}
			case ".json":
				if !json.Valid([]byte(text)) {
					t.Errorf("%s is no JSON", name)
				}
			case ".yaml":
				if err := yaml.Unmarshal([]byte(text), &map[string]any{}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func TestModuleOfAForkNamesNothingElse(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "shop")
	written, err := scaffold.Write(scaffold.Options{Dir: folder, Fork: "example.org/you/sluice@v0.2.0"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range written {
		// Ids of schemas are the same everywhere.
		if strings.Contains(strings.ReplaceAll(read(t, folder, name), "https://sluice.internal/", ""), "sluice.internal") {
			t.Errorf("%s names Sluice's own", name)
		}
	}
	if text := read(t, folder, "go.mod"); !strings.Contains(text, "example.org/you/sluice/worker v0.2.0\n") || strings.Contains(text, "replace") {
		t.Errorf("go.mod:\n%s", text)
	}
}

func TestModuleOfACheckoutSaysWhereThatIs(t *testing.T) {
	t.Parallel()
	above := t.TempDir()
	beside := filepath.Join(above, "sluice")
	if err := os.Symlink(checkout(t), beside); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(above, "made", "for", "it", "shop")
	if _, err := scaffold.Write(scaffold.Options{Dir: folder, Checkout: beside}); err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`sluice.internal/worker => (\S+)`).FindStringSubmatch(read(t, folder, "go.mod"))
	if found == nil {
		t.Fatalf("go.mod:\n%s", read(t, folder, "go.mod"))
	}
	// Go follows symbolic links of the folder that go.mod is in.
	target, err := filepath.EvalSymlinks(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(target, found[1], "go.mod")); err != nil || !strings.HasPrefix(found[1], "../") {
		t.Errorf("the worker is at %s: %v", found[1], err)
	}
}

func TestNothingIsWrittenWhenSomethingIsWrong(t *testing.T) {
	t.Parallel()
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, ".env"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, options := range map[string]scaffold.Options{
		"is not empty (it has \".env\")":         {Dir: full, Checkout: checkout(t)},
		"there is no checkout of Sluice at \"\"": {},
		"name the folder of one with --sluice":   {Checkout: t.TempDir()},
		"is no name for a program":               {Checkout: checkout(t), Module: "example.org/My Shop"},
		"write its name and a version":           {Fork: "example.org/you/sluice"},
		"such as example.org/you/sluice@v0.1.0":  {Fork: "sluice@v1"},
		"choose another one with --module":       {Checkout: checkout(t), Module: "example.org/7"},
	} {
		if options.Dir == "" {
			options.Dir = filepath.Join(t.TempDir(), "shop")
		}
		if _, err := scaffold.Write(options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if entries, err := os.ReadDir(options.Dir); err == nil && len(entries) > 0 && options.Dir != full {
			t.Errorf("%q: wrote %v", want, entries)
		}
	}
}

func TestCheckoutIsFoundFromWithinIt(t *testing.T) {
	t.Parallel()
	if found := scaffold.FindCheckout("", t.TempDir(), filepath.Join(checkout(t), "bin")); found != checkout(t) {
		t.Errorf("found %q", found)
	}
	if found := scaffold.FindCheckout(t.TempDir(), "/", "."); found != "" {
		t.Errorf("found %q where none is", found)
	}
}

// A module that is missing there could not be found by whoever builds from a checkout.
func TestModulesAreThoseThatTheCommandIsBuiltFrom(t *testing.T) {
	t.Parallel()
	want := []string{"sluice"}
	for _, line := range regexp.MustCompile(`(?m)^\tsluice.internal/(\S+) =>`).FindAllStringSubmatch(read(t, checkout(t), "sluice", "go.mod"), -1) {
		want = append(want, line[1])
	}
	slices.Sort(want)
	if got := scaffold.Modules(); !slices.Equal(got, want) {
		t.Errorf("modules %q, want %q", got, want)
	}
}
