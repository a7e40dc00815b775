package notification

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Sequences is a set of places in a stream. It is written as ranges, such as "3-7,12", also as JSON. The zero value is
// empty. It is not safe for concurrent use.
type Sequences struct {
	// spans are in order, and no two of them touch.
	spans []span
}

// span is what is between two sequences, both of them belong to it.
type span struct{ first, last uint64 }

// Range returns the set of all sequences from the first to the last.
func Range(first, last uint64) Sequences {
	if last < first {
		return Sequences{}
	}
	return Sequences{spans: []span{{first, last}}}
}

// Add puts a sequence into the set. Those that come in ascending order are added in constant time.
func (s *Sequences) Add(sequence uint64) {
	if end := len(s.spans); end > 0 && s.spans[end-1].last+1 == sequence {
		s.spans[end-1].last = sequence
		return
	}
	i, found := s.find(sequence)
	if found {
		return
	}
	before := i > 0 && s.spans[i-1].last+1 == sequence
	after := i < len(s.spans) && s.spans[i].first == sequence+1
	switch {
	case before && after:
		s.spans[i-1].last = s.spans[i].last
		s.spans = slices.Delete(s.spans, i, i+1)
	case before:
		s.spans[i-1].last = sequence
	case after:
		s.spans[i].first = sequence
	default:
		s.spans = slices.Insert(s.spans, i, span{sequence, sequence})
	}
}

// find returns the span that has the sequence, or else the place where it would be.
func (s *Sequences) find(sequence uint64) (at int, found bool) {
	return slices.BinarySearchFunc(s.spans, sequence, func(s span, sequence uint64) int {
		switch {
		case s.last < sequence:
			return -1
		case s.first > sequence:
			return 1
		default:
			return 0
		}
	})
}

// AddAll puts all of another set in.
func (s *Sequences) AddAll(others *Sequences) {
	for sequence := range others.All() {
		s.Add(sequence)
	}
}

// Contains reports whether a sequence is in the set.
func (s *Sequences) Contains(sequence uint64) bool {
	_, found := s.find(sequence)
	return found
}

// Len returns how many sequences are in the set.
func (s *Sequences) Len() uint64 {
	sum := uint64(0)
	for _, one := range s.spans {
		sum += one.last - one.first + 1
	}
	return sum
}

// All returns the sequences in ascending order.
func (s *Sequences) All() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for _, one := range s.spans {
			for sequence := one.first; ; sequence++ {
				if !yield(sequence) {
					return
				}
				if sequence == one.last {
					break
				}
			}
		}
	}
}

// Backward returns the sequences in descending order.
func (s *Sequences) Backward() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for _, one := range slices.Backward(s.spans) {
			for sequence := one.last; ; sequence-- {
				if !yield(sequence) {
					return
				}
				if sequence == one.first {
					break
				}
			}
		}
	}
}

// Chunks returns the set in parts of at most so many ranges each, so that none is too large for a message.
func (s *Sequences) Chunks(ranges int) iter.Seq[Sequences] {
	return func(yield func(Sequences) bool) {
		for spans := range slices.Chunk(s.spans, ranges) {
			if !yield(Sequences{spans: spans}) {
				return
			}
		}
	}
}

// String writes the set as ranges.
func (s Sequences) String() string {
	var text strings.Builder
	for i, one := range s.spans {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(strconv.FormatUint(one.first, 10))
		if one.last > one.first {
			text.WriteByte('-')
			text.WriteString(strconv.FormatUint(one.last, 10))
		}
	}
	return text.String()
}

// MarshalText writes the set as ranges.
func (s Sequences) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote. Ranges must ascend.
func (s *Sequences) UnmarshalText(text []byte) error {
	s.spans = nil
	if len(text) == 0 {
		return nil
	}
	next := uint64(0)
	for part := range strings.SplitSeq(string(text), ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.ParseUint(from, 10, 64)
		last := first
		if err == nil && isRange {
			last, err = strconv.ParseUint(to, 10, 64)
		}
		if err != nil || first < next || last < first || last+1 == 0 {
			return fmt.Errorf("read sequences: %q is no range, or not behind the one before", part)
		}
		if len(s.spans) > 0 && first == next {
			s.spans[len(s.spans)-1].last = last
		} else {
			s.spans = append(s.spans, span{first, last})
		}
		next = last + 1
	}
	return nil
}
