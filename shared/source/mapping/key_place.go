package mapping

import (
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
)

const (
	placeKey = "key:"
	// or stands between places of which the first counts that leads to something.
	or = "|"
	// others begins a list of names that are not meant.
	others = "!"
)

// alternatives yields the places of which the first counts that leads to something; one for nearly all.
func alternatives(place string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if strings.HasPrefix(place, placeConstant) { // Which may be any text.
			yield(place)
			return
		}
		for one := range strings.SplitSeq(place, " "+or+" ") {
			if !yield(strings.TrimSpace(one)) {
				return
			}
		}
	}
}

// keyPlace is a place that is taken apart: the object that is looked into, and the names that count or do not.
type keyPlace struct {
	pointer string
	names   []string
	others  bool
}

func parseKeyPlace(place string) keyPlace {
	text := strings.TrimPrefix(place, placeKey)
	var parsed keyPlace
	if strings.HasPrefix(text, "/") {
		parsed.pointer, text, _ = strings.Cut(text, ":")
	}
	text, parsed.others = strings.CutPrefix(text, others)
	parsed.names = strings.Split(text, ",")
	return parsed
}

func checkKeyPlace(place string) error {
	if slices.Contains(parseKeyPlace(place).names, "") {
		return errors.New("names no members; write for example key:message,edit, key:!id for any other one, or key:/data:message,edit")
	}
	return nil
}

// choose returns the name that counts among those that an object has, "" when none does.
func (k keyPlace) choose(has func(name string) bool, all iter.Seq[string]) string {
	if !k.others {
		i := slices.IndexFunc(k.names, has)
		if i < 0 {
			return ""
		}
		return k.names[i]
	}
	first := ""
	for name := range all { // The first by name, since documents have no order. Nothing is collected: there may be many.
		family := familyOf(name)
		if !slices.Contains(k.names, family) && !slices.Contains(k.names, name) && (first == "" || family < first) {
			first = family
		}
	}
	return first
}

// familyOf returns a form's name as far as all fields of one thing have it in common: leads[status][0][id] is one of
// leads[status], and account[id] one of account.
func familyOf(name string) string {
	family, rest, nested := strings.Cut(name, "[")
	for nested {
		step, more, _ := strings.Cut(rest, "]")
		if strings.Trim(step, "0123456789") == "" || !strings.HasPrefix(more, "[") {
			break
		}
		family += "[" + step + "]"
		rest = more[1:]
	}
	return family
}

// keyIn returns the name that counts in a document.
func keyIn(place string, body *notification.Document) string {
	parsed := parseKeyPlace(place)
	object := body.Root()
	if parsed.pointer != "" {
		value, _ := body.Pointer(parsed.pointer)
		object, _ = value.(map[string]any)
	}
	has := func(name string) bool { value, there := object[name]; return there && value != nil }
	return parsed.choose(has, maps.Keys(object))
}

// peekKey is keyIn for a body that was not parsed.
func peekKey(place string, body []byte) string {
	parsed := parseKeyPlace(place)
	object := gjson.ParseBytes(body)
	if parsed.pointer != "" {
		object = object.Get(gjsonPath(parsed.pointer))
	}
	if !object.IsObject() {
		return ""
	}
	has := func(name string) bool {
		found := object.Get(gjson.Escape(name))
		return found.Exists() && found.Type != gjson.Null
	}
	all := func(yield func(string) bool) {
		object.ForEach(func(name, _ gjson.Result) bool { return yield(name.String()) })
	}
	return parsed.choose(has, all)
}

// isOfPart reports whether a place is within an array by which requests are divided.
func (m Mapping) isOfPart(place string) bool {
	return slices.ContainsFunc(m.Split, func(split string) bool {
		array, _, _ := strings.Cut(split, "/"+anyItem)
		inBody := strings.TrimPrefix(pointerOf(place), placeKey)
		return strings.HasPrefix(inBody, array+"/") || array == "" && strings.HasPrefix(inBody, "/") || strings.HasPrefix(place, placeKey)
	})
}
