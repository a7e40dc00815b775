package scaffold

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// FindCheckout returns the folder with Sluice's modules that one of the folders is in, empty where none is.
func FindCheckout(folders ...string) string {
	for _, folder := range folders {
		for ; folder != "" && folder != "."; folder = filepath.Dir(folder) {
			if isCheckout(folder) {
				return folder
			}
			if folder == filepath.Dir(folder) {
				break
			}
		}
	}
	return ""
}

func isCheckout(folder string) bool {
	text, err := os.ReadFile(filepath.Join(folder, "sluice", "go.mod"))
	return err == nil && strings.HasPrefix(string(text), "module "+home+"/sluice\n")
}

// checkout is what go.mod and go.sum of a checkout say.
type checkout struct {
	goVersion string
	requires  []module // of others, sorted
	sums      []byte
	err       error
}

var (
	requireLine = regexp.MustCompile(`(?m)^(?:require )?\t?([^\s/]+\.[^\s]+) (v[^\s]+)(?: // indirect)?$`)
	goLine      = regexp.MustCompile(`(?m)^go (\S+)$`)
)

// testModules are those that only tests of Sluice's need.
func testModules() []string { return []string{"go.uber.org/goleak", "pgregory.net/rapid"} }

// readCheckout reads what those need who build Sluice's modules. All of them name the same versions: `go work sync` sees to it.
func readCheckout(folder string) (read checkout) {
	if folder == "" || !isCheckout(folder) {
		read.err = fmt.Errorf("there is no checkout of Sluice at %q; name the folder of one with --sluice, or a fork with --fork", folder)
		return read
	}
	versions, sums := map[string]string{}, map[string]bool{}
	for _, name := range []string{"sluice", "worker"} { // They name what all others need that are built.
		text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name), "go.mod"))
		if err != nil {
			read.err = fmt.Errorf("read the checkout: %w", err)
			return read
		}
		if found := goLine.FindSubmatch(text); found != nil && name == "sluice" {
			read.goVersion = string(found[1])
		}
		for _, line := range requireLine.FindAllSubmatch(text, -1) {
			if path := string(line[1]); !strings.HasPrefix(path, home+"/") && !slices.Contains(testModules(), path) {
				versions[path] = string(line[2])
			}
		}
		text, err = os.ReadFile(filepath.Join(folder, filepath.FromSlash(name), "go.sum"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			read.err = fmt.Errorf("read the checkout: %w", err)
			return read
		}
		for line := range bytes.Lines(text) {
			sums[string(line)] = true
		}
	}
	for _, path := range slices.Sorted(maps.Keys(versions)) {
		read.requires = append(read.requires, module{Path: path, Version: versions[path]})
	}
	read.sums = []byte(strings.Join(slices.Sorted(maps.Keys(sums)), ""))
	return read
}
