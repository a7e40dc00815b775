package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"sluice.internal/shared/notification"
)

// digest stands for a text of any length. 128 bits of SHA-256 leave no room for an accident.
type digest [16]byte

// digestOf tells lists of texts apart, also where one text ends and the next begins.
func digestOf(parts ...string) digest {
	sum := sha256.New()
	var length [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		sum.Write(length[:])
		sum.Write([]byte(part))
	}
	return digest(sum.Sum(nil)[:16])
}

// entry is an event, in as little memory as possible.
type entry struct {
	sequence, notification uint64
	// received is when, in nanoseconds: it tells a notification from one with the same sequence in a stream that was
	// there before.
	received int64
	body     uint64 // the beginning of its hash
	key      digest
	stored   uint32 // in seconds
	lane     uint16
	part     uint16 // of the notification, 0 for a whole one
}

func newEntry(event *notification.Event, body [sha256.Size]byte) entry {
	return entry{
		sequence: event.Sequence, notification: event.NotificationSequence,
		received: event.ReceivedAt.UnixNano(), body: shortHash(body), key: digestOf(event.Key),
		stored: uint32(event.StoredAt.Unix()), lane: uint16(event.Lane), part: uint16(event.Part), //nolint:gosec // Until 2106, few lanes and few parts.
	}
}

func shortHash(body [sha256.Size]byte) uint64 { return binary.BigEndian.Uint64(body[:8]) }

func (e *entry) storedAt() time.Time { return time.Unix(int64(e.stored), 0) }

// index finds events.
type index struct {
	// entries are in the order of the stream.
	entries []entry
	// byNotification and byKey are places in entries, in the order of what they are named after.
	byNotification, byKey []uint32
}

// finish makes the index of what was added.
func (x *index) finish() {
	x.byNotification = x.sorted(func(e *entry, f *entry) int { return cmp.Compare(e.notification, f.notification) })
	x.byKey = x.sorted(func(e *entry, f *entry) int { return slices.Compare(e.key[:], f.key[:]) })
}

func (x *index) sorted(compare func(*entry, *entry) int) []uint32 {
	places := make([]uint32, len(x.entries))
	for i := range places {
		places[i] = uint32(i)
	}
	slices.SortFunc(places, func(i, j uint32) int {
		return cmp.Or(compare(&x.entries[i], &x.entries[j]), cmp.Compare(i, j))
	})
	return places
}

// at returns the event with a sequence.
func (x *index) at(sequence uint64) (*entry, bool) {
	i, found := slices.BinarySearchFunc(x.entries, sequence, func(e entry, sequence uint64) int {
		return cmp.Compare(e.sequence, sequence)
	})
	if !found {
		return nil, false
	}
	return &x.entries[i], true
}

// of returns the event of a notification, or of a part of one: that with its sequence that was received when it was.
func (x *index) of(n *notification.Notification) (*entry, bool) {
	i, _ := slices.BinarySearchFunc(x.byNotification, n.Sequence, func(place uint32, sequence uint64) int {
		return cmp.Compare(x.entries[place].notification, sequence)
	})
	for ; i < len(x.byNotification); i++ {
		e := &x.entries[x.byNotification[i]]
		if e.notification != n.Sequence {
			break
		}
		if e.received == n.ReceivedAt.UnixNano() && int(e.part) == n.Part {
			return e, true
		}
	}
	return nil, false
}

// withKey calls visit with the events of a key, oldest first, until it returns false.
func (x *index) withKey(key string, visit func(*entry) bool) {
	wanted := digestOf(key)
	i, _ := slices.BinarySearchFunc(x.byKey, wanted, func(place uint32, wanted digest) int {
		return slices.Compare(x.entries[place].key[:], wanted[:])
	})
	for ; i < len(x.byKey) && x.entries[x.byKey[i]].key == wanted; i++ {
		if !visit(&x.entries[x.byKey[i]]) {
			return
		}
	}
}

// pairs calls visit with each two neighbours in an order that are equal in it.
func (x *index) pairs(order []uint32, equal func(e, f *entry) bool, visit func(first, second *entry)) {
	for i := 1; i < len(order); i++ {
		first, second := &x.entries[order[i-1]], &x.entries[order[i]]
		if equal(first, second) {
			visit(first, second)
		}
	}
}
