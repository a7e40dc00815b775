// Package credentials makes what the parts of a deployment log in with: a token for the senders of each source, and
// a key for each role at NATS. Every role has a folder of its own, so that each process can be given its own alone.
//
// A key has two halves. The seed stays with the role; NATS is told the public half. The only secret that NATS holds is
// the one by which the nodes of a cluster know each other.
package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nats-io/nkeys"
)

// The roles that log in at NATS. What each may do stands in nats/roles.conf.
const (
	Gateway  = "gateway"
	Poller   = "poller"
	Receiver = "receiver"
	Worker   = "worker"
	Operator = "operator"
	// Admin is for the servers themselves: their state, elections, who belongs to the cluster. It reads no streams.
	Admin = "admin"
)

// Roles are all roles, each with a key and a folder of its own.
func Roles() []string { return []string{Gateway, Poller, Receiver, Worker, Operator, Admin} }

// Names and modes of the files. A seed and a token can be read by their owner alone and changed by nobody: a new one is a
// new file. Public halves are no secret.
const (
	seedFile = "nats.seed"
	// keysFolder and keysFile have the public halves, as variables for the configuration of NATS.
	keysFolder = "nats"
	keysFile   = "keys.conf"

	folderMode = 0o700
	secretMode = 0o400
	publicMode = 0o444
)

// Folder is where the credentials of a deployment lie.
type Folder struct {
	// Dir has a folder for each role and one for NATS.
	Dir string
	// Nodes are the hosts of a cluster's nodes, each with its port for the others where that is not 6222. They share a
	// secret; without nodes none is made.
	Nodes []string
	// Regions are names of regions that this place is the centre of, besides those whose keys are there.
	Regions []string
	// Own is called with each file and folder that was made, to hand it to the user whose processes read it.
	Own func(path string) error
}

// Seed is the file with a role's seed.
func (f Folder) Seed(role string) string { return filepath.Join(f.Dir, role, seedFile) }

// Token is the file with the tokens of a source.
func (f Folder) Token(source string) string { return filepath.Join(f.Dir, Gateway, source+".token") }

// Keys is the file with the public halves of all keys.
func (f Folder) Keys() string { return filepath.Join(f.Dir, keysFolder, keysFile) }

// Make makes what is not there, and leaves what is. Made are the files that it made, also when it fails half-way: run again
// it goes on from there. The file for NATS is written anew each time, from all keys that there are, so that a key that was
// removed is let in no more once NATS has read it.
func (f Folder) Make(sources ...string) (made []string, err error) {
	var keys strings.Builder
	for _, role := range Roles() {
		public, isNew, err := f.key(role)
		if err != nil {
			return made, err
		}
		if isNew {
			made = append(made, f.Seed(role))
		}
		fmt.Fprintf(&keys, "SLUICE_%s: %q\n", strings.ToUpper(role), public)
	}
	if err := f.replace(f.Keys(), keys.String(), publicMode); err != nil {
		return made, err
	}
	if len(f.Nodes) > 0 {
		isNew, err := f.makeRoutes()
		if err != nil {
			return made, err
		}
		if isNew {
			made = append(made, f.Routes())
		}
	}
	files, err := f.makeRegions()
	made = append(made, files...)
	if err != nil {
		return made, err
	}
	for _, source := range sources {
		if _, err := os.Stat(f.Token(source)); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return made, fmt.Errorf("look for tokens: %w", err)
			}
			continue
		}
		if err := f.replace(f.Token(source), newToken()+"\n", secretMode); err != nil {
			return made, err
		}
		made = append(made, f.Token(source))
	}
	return made, nil
}

// key returns the public half of a role's key, of a new one when there is none.
func (f Folder) key(role string) (public string, isNew bool, err error) {
	seed, err := os.ReadFile(f.Seed(role))
	if errors.Is(err, fs.ErrNotExist) {
		isNew = true
		seed, err = f.makeSeed(role)
	}
	if err != nil {
		return "", false, fmt.Errorf("read key of %s: %w", role, err)
	}
	pair, err := nkeys.FromSeed([]byte(strings.TrimSpace(string(seed))))
	if err != nil {
		return "", false, fmt.Errorf("read key in %q: %w; remove the file to have a new one made", f.Seed(role), err)
	}
	public, err = pair.PublicKey()
	return public, isNew, err
}

// makeSeed makes a key pair and keeps the half that a process logs in with.
func (f Folder) makeSeed(role string) ([]byte, error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	seed, err := pair.Seed()
	if err != nil {
		return nil, err
	}
	return seed, f.replace(f.Seed(role), string(seed)+"\n", secretMode)
}

// replace writes a file as a whole: a reader sees the old one or the new one. It is on the disk, has its mode and belongs to
// its user before it has its name, so that no moment shows a secret to others or lacks a right.
func (f Folder) replace(path, text string, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	file, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	_, err = file.WriteString(text)
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err == nil && f.Own != nil {
		err = errors.Join(f.Own(dir), f.Own(file.Name()))
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %q: %w", path, errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// tokens reads the tokens of a source, the oldest first.
func (f Folder) tokens(source string) ([]string, error) {
	text, err := os.ReadFile(f.Token(source))
	if err != nil {
		return nil, fmt.Errorf("read tokens of %s: %w", source, err)
	}
	tokens := slices.DeleteFunc(strings.Fields(string(text)), func(line string) bool { return strings.HasPrefix(line, "#") })
	if len(tokens) == 0 {
		return nil, fmt.Errorf("read tokens of %s: %q has none", source, f.Token(source))
	}
	return tokens, nil
}
