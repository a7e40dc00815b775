package credentials

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// keyMode lets nobody else read a key.
const keyMode = 0o600

// MakeEncryptionKey writes a new key by which sluice up encrypts what it stores to a file that only its owner may read. It
// never replaces a file: what was encrypted with a key that is gone can't be read by anybody. The key is 256 random bits as
// text; an error leaves no file with half a key.
func MakeEncryptionKey(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, keyMode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make encryption key: there is a file %q; a key that is in use must not be replaced", path)
	}
	if err != nil {
		return fmt.Errorf("make encryption key: %w", err)
	}
	_, err = file.WriteString(rand.Text() + rand.Text() + "\n") // 256 bits.
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("make encryption key: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}
