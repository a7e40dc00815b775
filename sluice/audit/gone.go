package audit

import (
	"slices"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

// readGone notes what a recorded operation took out of the streams. Sequences begin anew in a new stream, so a record that
// is older than the stream is about another one.
func (a *account) readGone(operation *notification.Operation) {
	if operation.Keys != nil && !operation.At.Before(a.before.Events.Created) {
		a.erasedKeys = append(a.erasedKeys, operation.Keys)
	}
	places := a.erased
	if operation.What == notification.OperationAgeOut {
		places = a.agedOut
	}
	for name, sequences := range operation.Sequences {
		if operation.At.Before(a.extentOf(name).Created) {
			continue
		}
		if places[name] == nil {
			places[name] = &notification.Sequences{}
		}
		places[name].AddAll(&sequences)
	}
}

// extentOf returns the stream as it was when the look began. Other streams than these two are not accounted for by sequence.
func (a *account) extentOf(name string) admin.Extent {
	if name == stream.Notifications {
		return a.before.Notifications
	}
	return a.before.Events
}

// isGone reports whether something is in a set of places.
func isGone(places map[string]*notification.Sequences, name string, sequence uint64) bool {
	known := places[name]
	return known != nil && known.Contains(sequence)
}

// repeatsErased reports whether a notification repeats one whose event was erased: the store still knows the key of the
// event, and so makes no other one.
func (a *account) repeatsErased(keys []string) bool {
	return slices.ContainsFunc(a.erasedKeys, func(set *notification.KeySet) bool {
		return slices.ContainsFunc(keys, set.Contains)
	})
}

// unexplained returns the parts of gaps that no operation explains.
func (a *account) unexplained(name string, found []span) []span {
	var kept []span
	for _, s := range found {
		open := false
		for sequence := s.first; sequence <= s.last; sequence++ {
			switch {
			case isGone(a.erased, name, sequence), isGone(a.agedOut, name, sequence):
				open = false
			case open:
				kept[len(kept)-1].last = sequence
			default:
				kept, open = append(kept, span{sequence, sequence}), true
			}
		}
	}
	return kept
}

// stillThere notes a notification of which a record says that it was to be erased: who erased was killed before.
func (a *account) stillThere(sequence uint64) {
	if isGone(a.erased, stream.Notifications, sequence) {
		a.kept++
	}
}

// closeGone counts what is gone.
func (a *account) closeGone() {
	for _, name := range []string{stream.Notifications, stream.Events} {
		gone := Gone{Stream: name}
		if erased := a.erased[name]; erased != nil {
			gone.Erased = erased.Len() - a.keptOf(name, erased)
		}
		if aged := a.agedOut[name]; aged != nil {
			gone.AgedOut = aged.Len()
		}
		if gone.Erased > 0 || gone.AgedOut > 0 {
			a.report.Gone = append(a.report.Gone, gone)
		}
	}
}

// keptOf counts what is still in a stream although it was to be erased.
func (a *account) keptOf(name string, erased *notification.Sequences) uint64 {
	if name == stream.Notifications {
		return a.kept
	}
	count := uint64(0)
	for sequence := range erased.All() {
		if _, held := a.events.at(sequence); held {
			count++
		}
	}
	return count
}
