package keyed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// ErrOvertaken is that of Asides, when somebody else has written since.
var ErrOvertaken = errors.New("somebody else has written what is aside")

// Aside is a key of which too much waits. From a sequence on its deliveries are acknowledged as they come, and read again from
// where they are stored when their turn comes, so that what waits of it takes neither memory nor window.
type Aside struct {
	// ID names the key, see KeyID.
	ID string
	// Where is Delivery.Where of what has the key.
	Where string
	// From is the first sequence that is aside. Older deliveries of the key are done before any that is aside.
	From uint64
	// Done is up to which sequence those aside are done, From-1 at the beginning.
	Done uint64
	// Until is the last sequence that was aside, 0 as long as new ones come to it. All up to there are done then; the entry
	// stays because the broker may hand out some of them again.
	Until uint64
	// Waiting is how many are aside and not done, about. It is for people.
	Waiting uint64
}

// KeyID names a key without saying it.
func KeyID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// Asides stores which keys of a partition are aside, and reads what is aside. Its methods are called side by side.
type Asides interface {
	// Allowed reports whether more may be set aside now. It does not block.
	Allowed() bool
	// Load returns what was saved last, with its revision, and a sequence that is stored and above which the broker has handed out
	// nothing of the partition before. It sees whatever was saved before it was called.
	Load(ctx context.Context) (saved []Aside, revision, last uint64, err error)
	// Save replaces what was saved, if that still has the revision or is this worker's, and returns the new revision. Else it
	// returns ErrOvertaken. This worker's own may have another one than it knows of, where an answer was lost.
	Save(ctx context.Context, list []Aside, revision uint64) (uint64, error)
	// Floor returns up to which sequence everything of the partition is acknowledged.
	Floor(ctx context.Context) (uint64, error)
	// Read returns deliveries with the key of an aside in the order of their sequences, from behind one sequence up to another
	// one, which the broker has stored. Read is up to where it has all; it may be less than was asked for. They are not to be
	// acknowledged. Suspect says that whoever was at the first one may have died of it.
	Read(ctx context.Context, a Aside, after, upTo uint64, suspect bool) (deliveries []Delivery, read uint64, err error)
}
