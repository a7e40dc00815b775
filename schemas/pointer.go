package schemas

import (
	"net/url"
	"strconv"
	"strings"
)

// RFC 6901, section 3: the order of the replacements matters, which a Replacer keeps.
var (
	escaper   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

// escape makes a field's name a part of a JSON pointer.
func escape(name string) string { return escaper.Replace(name) }

// plainPointer undoes what the validator adds to a JSON pointer: it writes pointers as they stand in a URL.
func plainPointer(pointer string) string {
	plain, err := url.PathUnescape(pointer)
	if err != nil {
		return pointer
	}
	return plain
}

// lookUp returns what a pointer points at, nil when there is nothing.
func lookUp(document any, pointer string) any {
	if pointer == "" {
		return document
	}
	for part := range strings.SplitSeq(pointer[1:], "/") {
		switch value := document.(type) {
		case map[string]any:
			document = value[unescaper.Replace(part)]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(value) {
				return nil
			}
			document = value[i]
		default:
			return nil
		}
	}
	return document
}
