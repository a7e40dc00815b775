package notification

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fewMembers is up to how many members are compared with each other. That takes no memory, and is the faster way.
const fewMembers = 16

// sameFolded looks for two fields of an object whose names differ in case alone, as strings.EqualFold sees it. Go's
// encoding/json and other lenient readers take either for the other.
func sameFolded(members map[string]any) (one, other string, found bool) {
	if len(members) < 2 {
		return "", "", false
	}
	if len(members) > fewMembers {
		return sameFoldedOfMany(members)
	}
	var names [fewMembers]string
	count := 0
	for name := range members {
		for _, before := range names[:count] {
			if strings.EqualFold(before, name) {
				return min(before, name), max(before, name), true
			}
		}
		names[count] = name
		count++
	}
	return "", "", false
}

// sameFoldedOfMany takes time in proportion to the names' length, however many there are. It sorts them, so that of
// several pairs the same one is named each time.
func sameFoldedOfMany(members map[string]any) (one, other string, found bool) {
	folded := make(map[string]string, len(members))
	for _, name := range slices.Sorted(maps.Keys(members)) {
		key := strings.Map(foldRune, name)
		if before, taken := folded[key]; taken {
			return before, name, true
		}
		folded[key] = name
	}
	return "", "", false
}

// foldRune returns the same rune for all that strings.EqualFold takes for equal: the smallest of them.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
		return r
	}
	smallest := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		smallest = min(smallest, next)
	}
	return smallest
}
