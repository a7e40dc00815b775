// Package docs_test holds the documentation to what the programs do.
//
// A document rots when the thing that it names is renamed. So each kind of name has a test here that finds it in all
// documents: links (links_test.go), files, tests, make targets, keys and variables (names_test.go), commands and flags
// (commands_test.go), configurations (configuration_test.go), recipes of code (recipes_test.go), promises
// (promises_test.go), the map of the code (architecture_test.go), and what the README shows (readme_test.go). Beside them
// stand the rules for all code that a linter does not know (tables_test.go).
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the root of the repository, through a link: Go's cache of test results looks only at files within the module.
const root = "testdata/root"

// read returns a file of the project, named from its root.
func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// projectFiles returns the names of all files that are not built, downloaded or received, from the root, with slashes.
func projectFiles(t *testing.T) []string {
	t.Helper()
	var names []string
	// With the dot it goes into what the link leads to.
	err := filepath.WalkDir(root+"/.", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if entry.Type()&fs.ModeSymlink != 0 {
			return nil // To files that are here already.
		}
		if entry.IsDir() {
			if slices.Contains([]string{".git", "bin", "data"}, name) {
				return fs.SkipDir
			}
			return nil
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// A document is a Markdown file.
type document struct {
	name string // from the root
	text string
}

// documents returns all Markdown files of the project.
func documents(t *testing.T) []document {
	t.Helper()
	var all []document
	for _, name := range projectFiles(t) {
		if strings.HasSuffix(name, ".md") {
			all = append(all, document{name: name, text: read(t, name)})
		}
	}
	if len(all) < 8 {
		t.Fatalf("found %d documents", len(all))
	}
	return all
}

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// blocks returns the fenced blocks of a language.
func (d document) blocks(language string) []string {
	var all []string
	for _, match := range fence.FindAllStringSubmatch(d.text, -1) {
		if match[1] == language {
			all = append(all, match[2])
		}
	}
	return all
}

// prose returns the text without fenced blocks.
func (d document) prose() string { return fence.ReplaceAllString(d.text, "") }

var codeSpan = regexp.MustCompile("`([^`\n]+(?:\n[^`\n]+)?)`")

// spans returns what is marked as code in the prose.
func (d document) spans() []string {
	var all []string
	for _, match := range codeSpan.FindAllStringSubmatch(d.prose(), -1) {
		all = append(all, strings.ReplaceAll(match[1], "\n", " "))
	}
	return all
}

// section returns what stands under a heading, up to the next one of its level.
func (d document) section(t *testing.T, heading string) string {
	t.Helper()
	_, text, found := strings.Cut(d.text, "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %q", d.name, heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	text, _, _ = strings.Cut(text, "\n"+level+" ")
	return text
}

// open returns one document.
func open(t *testing.T, name string) document {
	t.Helper()
	return document{name: name, text: read(t, name)}
}
