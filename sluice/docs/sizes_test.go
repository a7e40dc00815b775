package docs_test

import (
	"path"
	"strings"
	"testing"
)

// maxPackage is how many lines a package may have, tests aside. In a larger one nobody finds what he looks for.
const maxPackage = 2500

func TestNoPackageIsTooLarge(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for _, name := range projectFiles(t) {
		if path.Ext(name) == ".go" {
			files[name] = read(t, name)
		}
	}
	sizes := linesOf(files)
	if len(sizes) < 30 {
		t.Errorf("found %d packages", len(sizes))
	}
	for folder, lines := range sizes {
		// The command has a file for each of its subcommands, which know nothing of each other.
		if lines > maxPackage && folder != "sluice/cli" {
			t.Errorf("%s has %d lines, at most %d are allowed: give a part of it that has a subject of its own a package", folder, lines, maxPackage)
		}
	}
	// The test itself is held to what it has to count.
	counted := linesOf(map[string]string{"a/x.go": "1\n2\n", "a/y.go": "3\n", "a/x_test.go": "4\n", "a/b/z.go": "5\n", "a/testdata/w.go": "6\n"})
	if len(counted) != 2 || counted["a"] != 3 || counted["a/b"] != 1 {
		t.Errorf("counted %v", counted)
	}
}

// linesOf counts the lines of packages, by folder, without those of tests.
func linesOf(files map[string]string) map[string]int {
	sizes := map[string]int{}
	for name, text := range files {
		if !strings.HasSuffix(name, "_test.go") && !strings.Contains(name, "testdata/") {
			sizes[path.Dir(name)] += strings.Count(text, "\n")
		}
	}
	return sizes
}
