package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// kinds counts things by their type.
type kinds map[string]int

func (k kinds) sum() int {
	sum := 0
	for _, count := range k {
		sum += count
	}
	return sum
}

// of is how many there are and of which types, the most first, as in "3 events: 2 incomingCall, 1 deviceInfo".
func (k kinds) of(noun string) string {
	total := counted(k.sum(), noun)
	if len(k) == 0 {
		return total
	}
	types := slices.SortedFunc(maps.Keys(k), func(a, b string) int {
		return cmp.Or(cmp.Compare(k[b], k[a]), cmp.Compare(a, b))
	})
	parts := make([]string, len(types))
	for i, kind := range types {
		parts[i] = fmt.Sprintf("%d %s", k[kind], printable(cmp.Or(kind, "of no type")))
	}
	return total + ": " + strings.Join(parts, ", ")
}
