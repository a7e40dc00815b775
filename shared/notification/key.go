package notification

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"hash"
	"maps"
	"slices"
	"time"
)

// keyEncoding keeps a key usable everywhere a name is: in headers, file names, URLs and SQL.
//
//nolint:gochecknoglobals // A constant that the language can't write as one.
var keyEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Key makes the identity of a notification from what tells it from others: 32 characters, equal when all
// parts are equal. Parts are told apart by their length, so ("a", "bc") differs from ("ab", "c").
// 160 bits of SHA-256 leave no room for an accident or a forged collision.
func Key(parts ...string) string {
	digest := sha256.New()
	for _, part := range parts {
		writeText(digest, part)
	}
	return keyEncoding.EncodeToString(digest.Sum(nil)[:20])
}

// KeyIn returns the key that a notification with a Window is stored with: equal for those that are the same and whose
// window began at the same time.
func (i Identity) KeyIn(begin time.Time) string {
	return Key(i.Key, begin.UTC().Format(time.RFC3339))
}

// Fingerprint returns a digest of the document that ignores the order of keys and white space, and nothing
// else: numbers count as written. Senders repeat a body with its keys in another order.
func (d *Document) Fingerprint() string {
	if d.opaque {
		return FingerprintBytes(d.raw)
	}
	digest := sha256.New()
	writeCanonical(digest, d.root)
	return keyEncoding.EncodeToString(digest.Sum(nil)[:20])
}

// FingerprintBytes returns a digest of a body that is no document.
func FingerprintBytes(body []byte) string {
	sum := sha256.Sum256(body)
	return keyEncoding.EncodeToString(sum[:20])
}

// writeCanonical writes a value so that two values write the same exactly when they are equal: each with a
// letter for its kind, strings and containers with their length.
func writeCanonical(digest hash.Hash, value any) {
	switch value := value.(type) {
	case map[string]any:
		writeLength(digest, 'o', len(value))
		for _, key := range slices.Sorted(maps.Keys(value)) {
			writeText(digest, key)
			writeCanonical(digest, value[key])
		}
	case []any:
		writeLength(digest, 'a', len(value))
		for _, item := range value {
			writeCanonical(digest, item)
		}
	case string:
		writeText(digest, value)
	case json.Number:
		writeLength(digest, 'n', len(value))
		digest.Write([]byte(value))
	case bool:
		if value {
			digest.Write([]byte{'t'})
		} else {
			digest.Write([]byte{'f'})
		}
	default:
		digest.Write([]byte{'0'})
	}
}

func writeText(digest hash.Hash, text string) {
	writeLength(digest, 's', len(text))
	digest.Write([]byte(text))
}

func writeLength(digest hash.Hash, kind byte, length int) {
	var prefix [9]byte
	prefix[0] = kind
	binary.BigEndian.PutUint64(prefix[1:], uint64(length)) //nolint:gosec // A length is not negative.
	digest.Write(prefix[:])
}
