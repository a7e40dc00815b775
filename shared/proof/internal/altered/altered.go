// Package altered has the bodies that a sender may have meant, where something on the way has changed the one that came. A
// diagnosis tries each, so that the operator is told what changes bodies.
package altered

import (
	"bytes"
	"compress/gzip"
	"io"
	"iter"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// MaxBody is the largest body, in bytes, of which others are made.
	MaxBody = 256 << 10
	// maxSize bounds each body that is tried, in bytes. Indenting may make a large body of a small one.
	maxSize = 2 * MaxBody
	// maxSortedBody is the largest body whose fields are sorted, in bytes. Sorting takes a hundred times a body's size
	// where that is nothing but fields.
	maxSortedBody = 32 << 10
	// maxWrittenDepth is how deep JSON may nest to be written anew. Nobody's notifications nest deeper, and what depth
	// costs is not in proportion to the body.
	maxWrittenDepth = 64
)

// Body is a body that the sender may have signed, and what was done to it on the way.
type Body struct {
	// Bytes is overwritten by the next one.
	Bytes []byte
	// How completes the sentence "the signature fits the body".
	How string
}

// Bodies makes of the body what the common changes undo: line ends, white space, compression, and JSON that a
// framework parsed and wrote anew. Each is made when it is its turn and in the same memory, of which a body takes at most
// maxSize bytes: the sender of a refused request decides about its shape.
func Bodies(body []byte) iter.Seq[Body] {
	return func(yield func(Body) bool) {
		_ = respaced(body, yield) && yieldUnpacked(body, yield) && rewritten(body, yield)
	}
}

// respaced yields the body with other ends. It reports whether to go on.
func respaced(body []byte, yield func(Body) bool) bool {
	longer := append(append(make([]byte, 0, len(body)+2), body...), "\r\n"...)
	if !yield(Body{longer, "with a line end behind it"}) {
		return false
	}
	longer[len(body)] = '\n'
	return yield(Body{longer[:len(body)+1], "with a line end behind it"}) &&
		yield(Body{bytes.TrimRight(body, "\r\n"), "without the line end behind it"}) &&
		yield(Body{bytes.TrimSpace(body), "without the white space around it"}) &&
		yield(Body{bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), "with line ends of one character"}) &&
		yield(Body{nil, "left out"})
}

// yieldUnpacked yields the body with gzip undone, if it is packed, and no more than maxDiagnosed bytes of it.
func yieldUnpacked(body []byte, yield func(Body) bool) bool {
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return true
	}
	content, err := io.ReadAll(io.LimitReader(reader, MaxBody))
	return err != nil || yield(Body{content, "unpacked"})
}

// rewritten yields the same JSON in the ways in which the usual libraries write it; nothing for a body that is not JSON.
func rewritten(body []byte, yield func(Body) bool) bool {
	raw := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsontext.PreserveRawStrings(true)}
	parsed := []jsontext.Options{
		jsontext.AllowDuplicateNames(true), jsontext.ReorderRawObjects(true), jsontext.PreserveRawStrings(false), jsontext.EscapeForJS(true),
	}
	// Go leaves room behind each way for the next, so that each is handed a list of its own.
	with := func(base []jsontext.Options, more ...jsontext.Options) []jsontext.Options {
		return append(base[:len(base):len(base)], more...)
	}
	var buffer []byte
	for _, way := range []struct {
		indent  int // how many bytes a level takes, 0 for one line
		largest int // body that is written so, in bytes
		options []jsontext.Options
		how     string
	}{
		{0, MaxBody, raw, "with its JSON compacted"},
		{2, MaxBody, with(raw, jsontext.WithIndent("  ")), "with its JSON indented"},
		{4, MaxBody, with(raw, jsontext.WithIndent("    ")), "with its JSON indented"},
		{1, MaxBody, with(raw, jsontext.WithIndent("\t")), "with its JSON indented"},
		{0, maxSortedBody, parsed, "with its JSON encoded anew"},
		{0, maxSortedBody, with(parsed, jsontext.EscapeForHTML(true)), "with its JSON encoded anew"},
		{0, MaxBody, with(raw, jsontext.SpaceAfterColon(true), jsontext.SpaceAfterComma(true)), "with spaces in its JSON"},
	} {
		size := writtenSize(body, way.indent)
		if len(body) > way.largest || size > maxSize {
			continue
		}
		buffer = slices.Grow(buffer[:0], size)
		var err error
		if buffer, err = jsontext.AppendFormat(buffer[:0], body, way.options...); err != nil {
			continue // It is no JSON, or too lax for this way.
		}
		if !yield(Body{buffer, way.how}) {
			return false
		}
	}
	return true
}

// writtenSize returns how many bytes JSON may take at the most with its levels indented by so many bytes, and more than
// maxAlteredBody when it nests too deep to be written anew. It takes no memory.
func writtenSize(body []byte, indent int) int {
	size, depth := 0, 0
	for i := 0; i < len(body) && size <= maxSize; i++ {
		size++
		switch body[i] {
		case '"':
			end := stringEnd(body, i+1)
			size += end - i
			i = end
		case '{', '[':
			depth++
			size += 1 + depth*indent
		case '}', ']':
			depth = max(depth-1, 0)
			size += 1 + depth*indent
		case ',', ':':
			size += 1 + depth*indent
		}
		if depth > maxWrittenDepth {
			return maxSize + 1
		}
	}
	return size
}

// stringEnd returns the index of the quote that ends the string whose content begins at i.
func stringEnd(body []byte, i int) int {
	for ; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return i
}

// None is for proofs in which the body has no part.
func None(func(Body) bool) {}
