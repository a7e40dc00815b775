package worker

import (
	"maps"
	"time"

	"sluice.internal/shared/notification"
)

// maxRepeats bounds how many keys with a window are remembered. They are rare types.
const maxRepeats = 10_000

// repeats gives keys to notifications that nothing but the time of arrival tells from another one like them: the
// same key within the identity's window, another one after it. Keys begin anew at whole windows, so that a
// worker that was just started agrees with the one before; memory spans the border between two windows.
type repeats struct {
	seen map[string]repeat
}

type repeat struct {
	at    time.Time // when it was seen first
	begin time.Time // the window that its key names
}

// key returns the key that the notification is stored with.
func (r *repeats) key(identity notification.Identity, receivedAt time.Time) string {
	if identity.Window <= 0 {
		return identity.Key
	}
	known, ok := r.seen[identity.Key]
	if age := receivedAt.Sub(known.at); !ok || age >= identity.Window || age <= -identity.Window {
		known = repeat{at: receivedAt, begin: receivedAt.Truncate(identity.Window)}
		r.remember(identity, known)
	}
	return identity.KeyIn(known.begin)
}

func (r *repeats) remember(identity notification.Identity, known repeat) {
	if r.seen == nil || len(r.seen) >= maxRepeats {
		r.seen = prune(r.seen, known.at.Add(-identity.Window))
	}
	r.seen[identity.Key] = known
}

// prune keeps what was seen after the time, and nothing if that is still too much.
func prune(seen map[string]repeat, since time.Time) map[string]repeat {
	kept := maps.Clone(seen)
	maps.DeleteFunc(kept, func(_ string, known repeat) bool { return known.at.Before(since) })
	if kept == nil || len(kept) >= maxRepeats {
		return map[string]repeat{}
	}
	return kept
}
