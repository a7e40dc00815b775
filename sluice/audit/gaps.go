package audit

import (
	"fmt"

	"sluice.internal/shared/stream/admin"
)

// gaps notes which sequences of a stream are not there. Streams are trimmed from their beginning alone, so what is
// missing behind that was taken out by somebody, or lost.
type gaps struct {
	next  uint64 // the sequence that should come
	found []span
}

type span struct{ first, last uint64 }

func newGaps(held admin.Extent) *gaps { return &gaps{next: held.First} }

func (g *gaps) visit(sequence uint64) {
	if sequence > g.next {
		g.found = append(g.found, span{g.next, sequence - 1})
	}
	g.next = sequence + 1
}

// finish returns the gaps up to the last sequence that was to come. First is the beginning of the stream afterwards:
// what is before was trimmed while it was read.
func (g *gaps) finish(last, first uint64) []span {
	g.visit(last + 1)
	var kept []span
	for _, s := range g.found {
		if s.first = max(s.first, first); s.first <= s.last {
			kept = append(kept, s)
		}
	}
	return kept
}

func (s span) item(name, noun string) Item {
	detail := fmt.Sprintf("%s %d is gone from the stream, and those around it are there", noun, s.first)
	if s.last > s.first {
		detail = fmt.Sprintf("%ss %d to %d are gone from the stream, and those around them are there", noun, s.first, s.last)
	}
	return Item{What: ItemGap, Stream: name, Sequence: s.first, Detail: detail}
}
