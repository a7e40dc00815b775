// Package local is what `sluice up` leaves in its data folder for the other commands: where it is and how to log in.
//
// The folder is for one process at a time, and only its owner can read what is secret in it. Whoever can write into it
// decides where the other commands connect to and which token they send there. So a folder that others can write
// into is refused, and nothing is read from, or written to, a place outside of the folder that a link in it leads to.
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

// Names and modes in the folder. All that is written there has a secret in it or says where secrets are sent.
const (
	describeFile = "local.json"
	lockFile     = "lock"

	folderMode = 0o700
	secretMode = 0o600
)

// Folder is a data folder that this process has to itself until Close. The lock is the kernel's: it ends with the process,
// however that ends.
type Folder struct {
	dir  string
	root *os.Root
	lock *flock.Flock
}

// Open makes the folder when it is not there, checks that nobody else can write into it and that this process can,
// and takes it for this process. It fails when another process has it.
func Open(dir string) (_ *Folder, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find folder %q: %w", dir, err)
	}
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, fmt.Errorf("make data folder %q: %w; choose another one with --data", dir, err)
	}
	if err := errors.Join(checkOwner(dir), checkWriters(dir)); err != nil {
		return nil, fmt.Errorf("%w, or choose another one with --data", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, root.Close())
		}
	}()
	// The lock is opened by its path, which would follow a link.
	if info, err := root.Lstat(lockFile); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is no regular file; remove it", filepath.Join(dir, lockFile))
	}
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(secretMode), flock.SetFlag(os.O_CREATE|os.O_RDWR))
	taken, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("write into data folder %q: %w; choose another one with --data", dir, err)
	}
	if !taken {
		return nil, fmt.Errorf("data folder %q is in use by %s; stop it, or choose another folder with --data", dir, owner(dir))
	}
	// Into the locked file itself: a new one in its place would not be locked.
	if err := root.WriteFile(lockFile, []byte(strconv.Itoa(os.Getpid())+"\n"), secretMode); err != nil {
		return nil, errors.Join(fmt.Errorf("write into data folder: %w", err), lock.Unlock())
	}
	return &Folder{dir: dir, root: root, lock: lock}, nil
}

// owner names the process that has the folder, as far as it is known.
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

// Close gives the folder up. What is in it stays: the description says where the process was, and the secrets are those of
// the next start.
func (f *Folder) Close() error {
	if err := errors.Join(f.lock.Unlock(), f.root.Close()); err != nil {
		return fmt.Errorf("give up data folder %q: %w", f.dir, err)
	}
	return nil
}

// Path returns the absolute path, for other programs and for people, of the
// file of that name in the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.dir, name) }

// Secret returns the secret that is kept under the name, and makes one at the first time, which made then says.
func (f *Folder) Secret(name string) (secret string, made bool, err error) {
	content, err := f.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		secret = rand.Text()
		return secret, true, f.writeSecret(name, secret+"\n")
	}
	if err != nil {
		return "", false, fmt.Errorf("read secret in %q: %w", f.dir, err)
	}
	secret = strings.TrimSpace(string(content))
	if secret == "" {
		return "", false, fmt.Errorf("read secret: file %q is empty; remove it to have a new secret made", f.Path(name))
	}
	return secret, false, nil
}

// writeSecret replaces a file as a whole and on the disk, so that no crash leaves half a secret. The file is new and
// has a name that nobody can have guessed, so no link is followed and no mode of an earlier file stays.
func (f *Folder) writeSecret(name, content string) error {
	next := ".new-" + rand.Text()
	err := f.create(next, content)
	if err == nil {
		err = f.root.Rename(next, name)
	}
	if err != nil {
		return fmt.Errorf("write %q: %w", f.Path(name), err)
	}
	return nil
}

// create writes a file that was not there and brings it to the disk. On an error it leaves none.
func (f *Folder) create(name, content string) error {
	file, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, secretMode)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, f.root.Remove(name))
	}
	return nil
}

// Describe writes the description for the other commands, in place of the one of the process before.
func (f *Folder) Describe(description Description) error {
	content, err := json.MarshalIndent(description, "", "  ")
	if err != nil {
		return fmt.Errorf("write description: %w", err)
	}
	return f.writeSecret(describeFile, string(content)+"\n")
}
