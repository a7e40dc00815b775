package erasure

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

const (
	// iterations make a digest take a good part of a second. There are only so many numbers of phones that all could be
	// tried against a fast one.
	iterations    = 600_000
	maxIterations = 10_000_000
	saltLength    = 16
	digestName    = "pbkdf2-sha256"
)

// Digest returns what a record has in place of an id. It is another one each time.
func Digest(id string) (string, error) {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // It never fails.
	sum, err := pbkdf2.Key(sha256.New, id, salt, iterations, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("make digest: %w", err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return strings.Join([]string{digestName, strconv.Itoa(iterations), encode(salt), encode(sum)}, "$"), nil
}

// Matches reports whether a digest is that of the id.
func Matches(digest, id string) bool {
	parts := strings.Split(digest, "$")
	if len(parts) != 4 || parts[0] != digestName {
		return false
	}
	count, err := strconv.Atoi(parts[1])
	if err != nil || count < 1 || count > maxIterations {
		return false
	}
	salt, saltErr := base64.RawURLEncoding.DecodeString(parts[2])
	want, sumErr := base64.RawURLEncoding.DecodeString(parts[3])
	if saltErr != nil || sumErr != nil || len(want) != sha256.Size {
		return false
	}
	sum, err := pbkdf2.Key(sha256.New, id, salt, count, sha256.Size)
	return err == nil && subtle.ConstantTimeCompare(sum, want) == 1
}
