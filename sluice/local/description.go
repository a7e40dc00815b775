package local

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrNotThere says that no `sluice up` has run with the folder.
var ErrNotThere = errors.New("no sluice has run with this folder")

// Description says where the process of a folder is to be reached. It has a password in it, so its file is for its owner
// alone.
type Description struct {
	// NATSURL, NATSUser and NATSPassword are how to reach the embedded NATS.
	NATSURL      string `json:"nats_url"`
	NATSUser     string `json:"nats_user"`
	NATSPassword string `json:"nats_password"`
	// GatewayURL is where the gateway listens, without a path.
	GatewayURL string `json:"gateway_url"`
	// AdminURL is where readiness is asked for, empty when the gateway tells it itself.
	AdminURL string `json:"admin_url,omitempty"`
	// Sources has the path and the file of the token of each source, by name. A source without a token has no file.
	Sources map[string]Source `json:"sources"`

	dir string // that it was read from
}

// Source is how to send to a source.
type Source struct {
	Path string `json:"path"`
	// Provider is the kind of sender, Auth how it proves who it is; both as configured.
	Provider string `json:"provider,omitempty"`
	Auth     string `json:"auth,omitempty"`
	// TokenFile has the token that was made for it. It lies in the folder.
	TokenFile string `json:"token_file,omitempty"`
}

// Read returns the description in a folder that somebody named. It is left there when the process ends, so that what
// it says may not listen any more. A folder that others can write into is refused. Errors: ErrNotThere.
func Read(dir string) (Description, error) {
	if _, err := os.Stat(filepath.Join(dir, describeFile)); errors.Is(err, fs.ErrNotExist) {
		return Description{}, fmt.Errorf("%w: %q", ErrNotThere, dir)
	}
	if err := checkWriters(dir); err != nil {
		return Description{}, err
	}
	content, err := readWithin(dir, describeFile)
	if err != nil {
		return Description{}, fmt.Errorf("read data folder: %w", err)
	}
	description := Description{dir: dir}
	if err := json.Unmarshal(content, &description); err != nil {
		return Description{}, fmt.Errorf("read %q: %w", filepath.Join(dir, describeFile), err)
	}
	return description, nil
}

// ReadOwn is Read for a folder that nobody named, such as the one in the working directory. It may have come with an
// archive or belong to somebody who waits for this, so it must be the caller's own. Errors: ErrNotThere.
func ReadOwn(dir string) (Description, error) {
	if _, err := os.Stat(filepath.Join(dir, describeFile)); err == nil {
		if err := checkOwner(dir); err != nil {
			return Description{}, fmt.Errorf("%w, or name the folder with --data if you trust it", err)
		}
	}
	return Read(dir)
}

// Token returns the token that was made for a source, empty when none was. Its file must lie in the folder: a
// description could name any file that its reader can read, and have the first line of it sent somewhere.
func (d Description) Token(source string) (string, error) {
	path := d.Sources[source].TokenFile
	if path == "" {
		return "", nil
	}
	name, err := within(d.dir, path)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	content, err := readWithin(d.dir, name)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	token, err := FirstToken(strings.NewReader(string(content)))
	if err != nil {
		return "", fmt.Errorf("read token: file %q %w", path, err)
	}
	return token, nil
}

// within returns a path relative to the folder that it has to lie in.
func within(dir, path string) (string, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(absolute, path)
	}
	name, err := filepath.Rel(absolute, path)
	if err != nil || !filepath.IsLocal(name) {
		return "", fmt.Errorf("file %q is not in the data folder %q; name it with --token-file if you trust it", path, dir)
	}
	return name, nil
}

// maxFileBytes is far more than descriptions and tokens need.
const maxFileBytes = 1 << 20

// readWithin reads a regular file of a folder and follows no link that leads out of it.
func readWithin(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if info, err := root.Stat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is no regular file", filepath.Join(dir, name))
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFileBytes))
}

// FirstToken returns the first token of a file, which is written as for the configuration: one a line, without
// blank lines and those that start with #. The error completes a sentence that begins with the file.
func FirstToken(text io.Reader) (string, error) {
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		if line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff")); line != "" && !strings.HasPrefix(line, "#") {
			return line, nil
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return "", fmt.Errorf("can't be read: %w", err)
	}
	return "", errors.New("has none in it")
}
