package schemas

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// maxDigits and maxExponent bound the numbers that the validator gets to see. It turns numbers into fractions of whole
// numbers: 1e1000000 takes it 30 ms and 400 KB each time it looks, and 1e1000001 makes it panic.
const (
	maxDigits   = 1000
	maxExponent = 1000
)

// wildNumbers returns a fault for each number in a document that is out of those bounds, in no order. It runs before the
// validator, which must not see them.
func wildNumbers(document any) []Fault {
	var faults []Fault
	findWild(document, nil, &faults)
	return faults
}

// place is where a walk is in a document. It becomes a pointer only when there is something to report.
type place struct {
	// up is the place of the object or array around; nil for the document itself.
	up *place
	// name is the field's name, or item the index where isItem is set.
	name   string
	item   int
	isItem bool
}

// pointer writes the place as a JSON pointer.
func (p *place) pointer() string {
	switch {
	case p == nil:
		return ""
	case p.isItem:
		return p.up.pointer() + "/" + strconv.Itoa(p.item)
	default:
		return p.up.pointer() + "/" + escape(p.name)
	}
}

// findWild walks over a value. Its depth is bounded by whoever parsed the document.
func findWild(value any, at *place, faults *[]Fault) {
	switch value := value.(type) {
	case map[string]any:
		for name, field := range value {
			findWild(field, &place{up: at, name: name}, faults)
		}
	case []any:
		for i, item := range value {
			findWild(item, &place{up: at, item: i, isItem: true}, faults)
		}
	case json.Number:
		if isWild(string(value)) {
			*faults = append(*faults, outOfRange(at))
		}
	case float64:
		if math.IsInf(value, 0) || math.IsNaN(value) {
			*faults = append(*faults, outOfRange(at))
		}
	}
}

// outOfRange does not quote the number, which may be long.
func outOfRange(at *place) Fault {
	return Fault{Pointer: at.pointer(), Message: "is a number out of range"}
}

// isWild reports whether a number is out of bounds, by its digits alone: to parse it would be what has to be avoided.
func isWild(literal string) bool {
	if len(literal) > maxDigits {
		return true
	}
	e := strings.IndexAny(literal, "eE")
	if e < 0 {
		return false
	}
	exponent, err := strconv.Atoi(literal[e+1:])
	return err != nil || exponent > maxExponent || exponent < -maxExponent
}
