package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// stdinName stands for standard input among names of files, as for other programs.
const stdinName = "-"

// expand replaces folders by their *.json files in the order of their names. All that is wrong with the names is
// in the error, so that it is known before the first file was sent.
func expand(names []string) ([]string, error) {
	var (
		files  []string
		faults []error
		stdin  bool
	)
	for _, name := range names {
		if name == stdinName {
			if stdin {
				faults = append(faults, errors.New("standard input can be sent once only"))
			}
			stdin = true
			files = append(files, name)
			continue
		}
		found, err := expandOne(name)
		if err != nil {
			faults = append(faults, err)
		}
		files = append(files, found...)
	}
	return files, errors.Join(faults...)
}

// expandOne returns a file's name, or those of the *.json files of a folder. Folders below it are left out.
func expandOne(name string) ([]string, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file or folder %q", name)
	}
	if err != nil {
		return nil, fmt.Errorf("look at %q: %w", name, err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	var files []string
	// os.ReadDir sorts by name, so that files called 01.json, 02.json are sent in that order.
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) == ".json" && !entry.IsDir() {
			files = append(files, filepath.Join(name, entry.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("folder %q has no *.json files", name)
	}
	return files, nil
}
