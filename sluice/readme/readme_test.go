// Package readme_test holds the README to what the programs do.
package readme_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sluice.internal/sluice/cli"
)

const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestEveryPromiseIsHeldByTestsThatExist(t *testing.T) {
	t.Parallel()
	_, section, found := strings.Cut(read(t, "README.md"), "\n## Promises\n")
	section, _, ended := strings.Cut(section, "\n## ")
	if !found || !ended {
		t.Fatal("the README has no section Promises")
	}
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(section, -1)
	if len(names) < 10 {
		t.Fatalf("the section names %d tests", len(names))
	}
	sources := testSources(t)
	for _, name := range names {
		if !strings.Contains(sources, "func "+name[1]+"(") {
			t.Errorf("there is no test %s", name[1])
		}
	}
}

// testSources are all test files of the project.
func testSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		all.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestTableOfKeysIsTheProgramsOwn(t *testing.T) {
	t.Parallel()
	var printed, failures bytes.Buffer
	code := cli.Run(t.Context(), cli.Process{Args: []string{"config", "keys", "--markdown"}, Stdout: &printed, Stderr: &failures})
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, failures.String())
	}
	_, table, found := strings.Cut(read(t, "README.md"), "<!-- sluice config keys --markdown -->\n")
	table, _, ended := strings.Cut(table, "<!-- end -->")
	if !found || !ended || strings.TrimSpace(table) != strings.TrimSpace(printed.String()) {
		t.Error("the table differs; put the output of `sluice config keys --markdown` between its marks")
	}
}

func TestRecipesWork(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	copyTree(t, tree)
	recipes := regexp.MustCompile("(?s)\n`([a-z_/A-Z-]+\\.(?:go|json))`:\n\n```[a-z]+\n(.*?)```").FindAllStringSubmatch(read(t, "README.md"), -1)
	if len(recipes) != 3 {
		t.Fatalf("found %d files in the recipes, want 3", len(recipes))
	}
	for _, recipe := range recipes {
		if err := os.WriteFile(filepath.Join(tree, recipe[1]), []byte(recipe[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for module, arguments := range map[string][]string{
		"schemas": {"test", "-run", "Example|Meta", "."},
		"worker":  {"test", "-run", "TestEveryHandlerHasASchemaAndEverySchemaAHandler", "."},
		"shared":  {"test", "./source"},
		"sluice":  {"build", "-o", filepath.Join(tree, "bin") + "/", "./cmd/sluice"},
	} {
		command := exec.Command("go", arguments...)
		command.Dir = filepath.Join(tree, module)
		if output, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s: go %s: %v\n%s", module, strings.Join(arguments, " "), err, output)
		}
	}
}

// copyTree copies the project's sources.
func copyTree(t *testing.T, to string) {
	t.Helper()
	for _, name := range []string{"go.work", "gateway", "schemas", "shared", "sluice", "worker"} {
		if output, err := exec.Command("cp", "-r", filepath.Join(root, name), to).CombinedOutput(); err != nil {
			t.Fatalf("copy %s: %v: %s", name, err, output)
		}
	}
}
