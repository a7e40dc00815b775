package docs_test

import (
	"path"
	"regexp"
	"slices"
	"testing"
)

// mapped is a row of the map in a package's comment: a file, and which question it answers.
var mapped = regexp.MustCompile(`(?m)^//\t([a-z0-9_]+\.go)\b`)

// A map that names files which are gone sends its reader astray.
func TestMapsOfPackagesNameFilesThatAreThere(t *testing.T) {
	t.Parallel()
	files, rows := projectFiles(t), 0
	for _, name := range files {
		if path.Base(name) != "doc.go" {
			continue
		}
		for _, row := range mapped.FindAllStringSubmatch(read(t, name), -1) {
			if rows++; !slices.Contains(files, path.Join(path.Dir(name), row[1])) {
				t.Errorf("%s names %s, which is not there", name, row[1])
			}
		}
	}
	if rows < 100 {
		t.Errorf("found %d rows of maps", rows)
	}
}
