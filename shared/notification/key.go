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

// KeyVersion is the version of the formula by which the package source makes keys and order keys of notifications. With
// another formula a repeated notification would be another event, and a chat would change its lane. So the version is written
// in the stream of events, and a change of the formula means a new version.
const KeyVersion = 2

// keyEncoding keeps a key usable everywhere a name is: in headers, file names, URLs and SQL.
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
	canonical{digest: digest}.write(d.root)
	return keyEncoding.EncodeToString(digest.Sum(nil)[:20])
}

// Said returns a digest of a value in a document that is equal for what says the same: beside the order of keys, the notation
// of whole numbers does not count, nor does null in place of an absent member. Members of the value itself that are named in
// without do not count at all.
func Said(value any, without ...string) string {
	if members, ok := value.(map[string]any); ok && len(without) > 0 {
		kept := maps.Clone(members)
		for _, name := range without {
			delete(kept, name)
		}
		value = kept
	}
	digest := sha256.New()
	canonical{digest: digest, lenient: true}.write(value)
	return keyEncoding.EncodeToString(digest.Sum(nil)[:20])
}

// FingerprintBytes returns a digest of a body that is no document.
func FingerprintBytes(body []byte) string {
	sum := sha256.Sum256(body)
	return keyEncoding.EncodeToString(sum[:20])
}

// canonical writes values so that two of them write the same exactly when they are equal: each with a letter for its kind,
// strings and containers with their length.
type canonical struct {
	digest hash.Hash
	// lenient makes equal what Said takes for equal.
	lenient bool
}

func (c canonical) write(value any) {
	switch value := value.(type) {
	case map[string]any:
		c.object(value)
	case []any:
		writeLength(c.digest, 'a', len(value))
		for _, item := range value {
			c.write(item)
		}
	case string:
		writeText(c.digest, value)
	case json.Number:
		number := string(value)
		if c.lenient {
			number = WholeNumber(number)
		}
		writeLength(c.digest, 'n', len(number))
		c.digest.Write([]byte(number))
	case bool:
		if value {
			c.digest.Write([]byte{'t'})
		} else {
			c.digest.Write([]byte{'f'})
		}
	default:
		c.digest.Write([]byte{'0'})
	}
}

func (c canonical) object(members map[string]any) {
	names := make([]string, 0, len(members))
	for name, value := range members {
		if value != nil || !c.lenient {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	writeLength(c.digest, 'o', len(names))
	for _, name := range names {
		writeText(c.digest, name)
		c.write(members[name])
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
