package docs_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#{1,6} (.*)$`)
	explicit = regexp.MustCompile(`<a id="([^"]+)">`)
	// unlinked is what GitHub leaves out of an anchor.
	unlinked = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	anchors := map[string][]string{}
	for _, document := range documents(t) {
		anchors[document.name] = document.anchors()
	}
	for _, document := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(document.prose(), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(match[1], "#")
			target := document.name
			if file != "" {
				target = path.Join(path.Dir(document.name), file)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: %s does not exist", document.name, match[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors[target], anchor) {
				t.Errorf("%s: %s has no anchor %q", document.name, target, anchor)
			}
		}
	}
}

// anchors returns what a link into the document may name: its headings, as GitHub turns them into anchors, and the
// anchors that are written out.
func (d document) anchors() []string {
	var all []string
	for _, match := range heading.FindAllStringSubmatch(d.prose(), -1) {
		name := strings.ToLower(codeSpan.ReplaceAllString(match[1], "$1"))
		name = unlinked.ReplaceAllString(name, "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	for _, match := range explicit.FindAllStringSubmatch(d.prose(), -1) {
		all = append(all, match[1])
	}
	return all
}

// Who opens docs/ finds every document from the README, and none is forgotten.
func TestEveryDocumentIsReachedFromTheReadme(t *testing.T) {
	t.Parallel()
	text := read(t, "README.md")
	for _, document := range documents(t) {
		if document.name != "README.md" && !strings.Contains(text, "("+document.name+")") {
			t.Errorf("the README has no link to %s", document.name)
		}
	}
}
