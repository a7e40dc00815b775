package notification

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// KeySet is a set of keys of events, of which nobody can read the keys. It answers whether it has one that somebody knows.
// Of a thousand million keys that it does not have, it takes none for one of its own.
type KeySet struct {
	// Salt makes the sums of one set another's noise.
	Salt []byte `json:"salt"`
	// Sums are the beginnings of the keys' digests, eight bytes each, in ascending order.
	Sums []byte `json:"sums"`
}

const (
	keySetSalt = 16
	keySum     = 8
)

// NewKeySet returns the set of the keys.
func NewKeySet(keys []string) *KeySet {
	set := &KeySet{Salt: make([]byte, keySetSalt)}
	_, _ = rand.Read(set.Salt) // It never fails.
	sums := make([]uint64, 0, len(keys))
	for _, key := range keys {
		sums = append(sums, set.sum(key))
	}
	slices.Sort(sums)
	for _, sum := range slices.Compact(sums) {
		set.Sums = binary.BigEndian.AppendUint64(set.Sums, sum)
	}
	return set
}

// Len returns how many keys the set has.
func (s *KeySet) Len() int { return len(s.Sums) / keySum }

// Contains reports whether the key is in the set.
func (s *KeySet) Contains(key string) bool {
	wanted := s.sum(key)
	low, high := 0, s.Len()
	for low < high {
		middle := (low + high) / 2
		switch sum := binary.BigEndian.Uint64(s.Sums[middle*keySum:]); {
		case sum == wanted:
			return true
		case sum < wanted:
			low = middle + 1
		default:
			high = middle
		}
	}
	return false
}

func (s *KeySet) sum(key string) uint64 {
	digest := hmac.New(sha256.New, s.Salt)
	digest.Write([]byte(key))
	return binary.BigEndian.Uint64(digest.Sum(nil))
}
