package term

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Counted is a number with its noun, as in "3 faults".
func Counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// CountByType counts things by their type. A thing without one is counted under the empty string.
type CountByType map[string]int

// Sum is the number of things of all types.
func (c CountByType) Sum() int {
	sum := 0
	for _, count := range c {
		sum += count
	}
	return sum
}

// Describe is the sum and what it consists of, the most frequent type first, as in
// "3 events: 2 incomingCall, 1 deviceInfo".
func (c CountByType) Describe(noun string) string {
	total := Counted(c.Sum(), noun)
	if len(c) == 0 {
		return total
	}
	types := slices.SortedFunc(maps.Keys(c), func(a, b string) int {
		return cmp.Or(cmp.Compare(c[b], c[a]), cmp.Compare(a, b))
	})
	parts := make([]string, len(types))
	for i, name := range types {
		parts[i] = fmt.Sprintf("%d %s", c[name], Printable(cmp.Or(name, "of no type")))
	}
	return total + ": " + strings.Join(parts, ", ")
}
