// Package local is what `sluice up` leaves in its data folder for the other commands: where it is and how to log
// in. The folder is for one process at a time, and only its owner can read what is secret in it.
package local

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

const (
	describeFile = "local.json"
	lockFile     = "lock"

	folderMode = 0o700
	secretMode = 0o600
)

// ErrNotThere says that no `sluice up` has run with the folder.
var ErrNotThere = errors.New("no sluice has run with this folder")

// Description says where the process of a folder is to be reached.
type Description struct {
	// NATSURL, NATSUser and NATSPassword are how to reach the embedded NATS.
	NATSURL      string `json:"nats_url"`
	NATSUser     string `json:"nats_user"`
	NATSPassword string `json:"nats_password"`
	// GatewayURL is where the gateway listens, without a path.
	GatewayURL string `json:"gateway_url"`
	// Sources has the path and the file of the token of each source, by name. A source without a token has no file.
	Sources map[string]Source `json:"sources"`
}

// Source is how to send to a source.
type Source struct {
	Path string `json:"path"`
	// Provider is the kind of sender, Auth how it proves who it is; both as configured.
	Provider  string `json:"provider,omitempty"`
	Auth      string `json:"auth,omitempty"`
	TokenFile string `json:"token_file,omitempty"`
}

// Folder is a data folder that this process has to itself.
type Folder struct {
	dir  string
	lock *flock.Flock
}

// Open makes the folder when it is not there, checks that it can be written, and takes it for this process. It
// fails when another process has it.
func Open(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find folder %q: %w", dir, err)
	}
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, fmt.Errorf("make data folder %q: %w; choose another one with --data", dir, err)
	}
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(secretMode), flock.SetFlag(os.O_CREATE|os.O_RDWR))
	taken, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("write into data folder %q: %w; choose another one with --data", dir, err)
	}
	if !taken {
		return nil, fmt.Errorf("data folder %q is in use by %s; stop it, or choose another folder with --data", dir, owner(dir))
	}
	folder := &Folder{dir: dir, lock: lock}
	// Into the locked file itself: a new one in its place would not be locked.
	if err := os.WriteFile(filepath.Join(dir, lockFile), []byte(strconv.Itoa(os.Getpid())+"\n"), secretMode); err != nil {
		return nil, errors.Join(fmt.Errorf("write into data folder: %w", err), folder.Close())
	}
	return folder, nil
}

func owner(dir string) string {
	if pid := Owner(dir); pid != 0 {
		return "process " + strconv.Itoa(pid)
	}
	return "another process"
}

// Owner returns the id of the process that has the folder, or had it last; 0 when that is not known.
func Owner(dir string) int {
	content, err := os.ReadFile(filepath.Join(dir, lockFile))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0
	}
	return pid
}

// Close gives the folder up.
func (f *Folder) Close() error {
	if err := f.lock.Unlock(); err != nil {
		return fmt.Errorf("give up data folder %q: %w", f.dir, err)
	}
	return nil
}

// Path joins a name to the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.dir, name) }

// Secret returns the secret that is kept under the name, and makes one at the first time.
func (f *Folder) Secret(name string) (secret string, err error) {
	content, err := os.ReadFile(f.Path(name))
	if errors.Is(err, fs.ErrNotExist) {
		secret = rand.Text()
		return secret, f.writeSecret(name, secret+"\n")
	}
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	secret = strings.TrimSpace(string(content))
	if secret == "" {
		return "", fmt.Errorf("read secret: file %q is empty; remove it to have a new secret made", f.Path(name))
	}
	return secret, nil
}

// writeSecret replaces a file as a whole and on the disk, so that no crash leaves half a secret.
func (f *Folder) writeSecret(name, content string) error {
	path := f.Path(name)
	if err := writeSynced(path+".new", content); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	return nil
}

func writeSynced(path, content string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, secretMode)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// Describe leaves a description for the other commands.
func (f *Folder) Describe(description Description) error {
	content, err := json.MarshalIndent(description, "", "  ")
	if err != nil {
		return fmt.Errorf("write description: %w", err)
	}
	return f.writeSecret(describeFile, string(content)+"\n")
}

// Read returns the description in a folder. It is left there when the process ends, so that what it says may
// not listen any more. Errors: ErrNotThere.
func Read(dir string) (Description, error) {
	path := filepath.Join(dir, describeFile)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Description{}, fmt.Errorf("%w: %q", ErrNotThere, dir)
	}
	if err != nil {
		return Description{}, fmt.Errorf("read data folder: %w", err)
	}
	var description Description
	if err := json.Unmarshal(content, &description); err != nil {
		return Description{}, fmt.Errorf("read %q: %w", path, err)
	}
	return description, nil
}
