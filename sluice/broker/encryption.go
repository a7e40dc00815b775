package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// minKey is the length, in characters, of the shortest key that is taken.
const minKey = 16

// readKey reads a key. White space around it does not count.
func readKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read encryption key: there is no file %q; make one with: sluice secrets encryption-key FILE", path)
	}
	if err != nil {
		return "", fmt.Errorf("read encryption key: %w", err)
	}
	key := strings.TrimSpace(string(text))
	if len(key) < minKey {
		return "", fmt.Errorf("read encryption key: file %q has %d characters, must have %d or more", path, len(key), minKey)
	}
	return key, nil
}

// What the server writes into the folder of each stream: its configuration, and a key of its own where it is encrypted.
const (
	metaFile    = server.JetStreamMetaFile
	metaKeyFile = server.JetStreamMetaFileKey
)

// checkRecovered returns an error when there is a stream on the disk that the server did not open. The server leaves out
// what it can't decrypt or read, with a warning; who then makes the streams anew would write over it.
func checkRecovered(running *server.Server, storeDir, keyFile string) error {
	opened, err := openedStreams(running)
	if err != nil {
		return err
	}
	folders, err := filepath.Glob(filepath.Join(storeDir, "jetstream", "*", "streams", "*", metaFile))
	if err != nil {
		return fmt.Errorf("look for streams: %w", err)
	}
	for _, file := range folders {
		folder := filepath.Dir(file)
		name := filepath.Base(folder)
		// The server is removing those that begin with a dot.
		if strings.HasPrefix(name, ".") || slices.Contains(opened, name) {
			continue
		}
		_, err := os.Stat(filepath.Join(folder, metaKeyFile))
		switch encrypted := err == nil; {
		case encrypted && keyFile == "":
			return fmt.Errorf("stream %s in %q is encrypted and there is no key: name its file with nats.encryption_key_file", name, storeDir)
		case encrypted:
			return fmt.Errorf("stream %s in %q is encrypted with another key than the one in %q; nothing was changed", name, storeDir, keyFile)
		default:
			return fmt.Errorf("stream %s in %q can't be read; see the lines of nats above; to go on without it, "+
				"move its folder %q away, or bring back a backup", name, storeDir, folder)
		}
	}
	return nil
}

// openedStreams returns the names of the streams that the server has, whichever account they are in.
func openedStreams(running *server.Server) ([]string, error) {
	info, err := running.Jsz(&server.JSzOptions{Accounts: true, Streams: true})
	if err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	var names []string
	for _, account := range info.AccountDetails {
		for i := range account.Streams {
			names = append(names, account.Streams[i].Name)
		}
	}
	return names, nil
}
