// Package schemas knows what the notifications of each provider look like: one JSON Schema (draft 2020-12) per type
// in <provider>/<type>.json, with what several types share in subfolders, and what is true of all types without a schema
// of their own in <provider>/_any.json. It validates documents and names everything that is wrong with them, in words for
// people who have the document before them and not the schema. It knows nothing of queues, of HTTP, or of what becomes of a
// notification.
//
// The schemas demand what every real notification has and no more, because an alert about a good notification is worse than
// none about an odd one: additional fields, new kinds of message and new states are valid, null in a field that may be
// missing stands for its absence, and what senders are known to leave out is no fault, whatever their documentation says;
// $comment names the public report. Whoever adds a type adds one file with an example in it, which the tests validate.
//
// Which file to open:
//
//   - What can be asked of a set of schemas? schemas.go
//   - How are files found, layered and compiled? load.go; the schemas inside of a schema: parts.go
//   - How does an error of the validator become faults? faults.go; where several schemas would do: alternatives.go; JSON
//     pointers: pointer.go
//   - What keeps a validation fast and small, whatever the document? dispatch.go, bounded.go, numbers.go
package schemas

import (
	"embed"
	"encoding/json"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

//go:embed */*.json */common/*.json
var builtIn embed.FS

// Fault is one thing wrong with a document.
type Fault struct {
	// Pointer is the JSON pointer (RFC 6901) of the faulty place; empty means the whole document. For a missing
	// field it is where the field should be.
	Pointer string `json:"pointer"`
	// Message says what is wrong there, without a period: "is missing", "is a number, must be a string".
	Message string `json:"message"`
}

// Set is a compiled collection of schemas, by provider and type. It is immutable and safe for concurrent use.
type Set struct {
	// providers has the types by the name of the provider and that of the type.
	providers map[string]map[string]*schema
}

// schema is one type of notification.
type schema struct {
	// compiled is what the validator runs. Load changes it for speed, nobody afterwards.
	compiled *jsonschema.Schema
	// parts are all schemas that the compiled one is made of, by their absolute location.
	parts map[string]*jsonschema.Schema
	// examples are the documents under "examples", as they are written.
	examples []json.RawMessage
}

// BuiltIn returns the schema files that are part of the program, laid out as LoadFS wants them.
func BuiltIn() fs.FS { return builtIn }

// Load returns the built-in schemas. They are compiled once in a process.
func Load() (*Set, error) { return loadBuiltIn() }

var loadBuiltIn = sync.OnceValues(func() (*Set, error) { return LoadFS(BuiltIn()) }) //nolint:gochecknoglobals // Never changes once it is made.

// anyType is the name of the file whose schema is that of all types of its provider that have none of their own. With it
// no type of the provider is unknown.
const anyType = "_any"

// Types returns the types that have a schema of their own for the provider, sorted; nil when there are none.
func (s *Set) Types(provider string) []string {
	types := slices.Sorted(maps.Keys(s.providers[provider]))
	return slices.DeleteFunc(types, func(name string) bool { return name == anyType })
}

// Has reports whether there is any schema for the provider.
func (s *Set) Has(provider string) bool { return len(s.providers[provider]) > 0 }

// schemaOf returns the schema of a type, or that of all others of its provider.
func (s *Set) schemaOf(provider, typ string) (sch *schema, known bool) {
	if sch, known = s.providers[provider][typ]; known {
		return sch, true
	}
	sch, known = s.providers[provider][anyType]
	return sch, known
}

// Examples returns the examples in the schema of a type, as they are written there; nil when the type is unknown or
// has none. The caller may change what it gets.
func (s *Set) Examples(provider, typ string) []json.RawMessage {
	sch, known := s.providers[provider][typ]
	if !known {
		return nil
	}
	var examples []json.RawMessage
	for _, example := range sch.examples {
		examples = append(examples, slices.Clone(example))
	}
	return examples
}

// Validate reports whether the type has a schema, and returns everything that is wrong with the document according to it,
// sorted by pointer. No faults mean that the document is valid; an unknown type has none.
//
// The document is what encoding/json makes of a body when its decoder uses numbers (Decoder.UseNumber), so that ids
// beyond 2^53 keep their digits.
func (s *Set) Validate(provider, typ string, document any) (known bool, faults []Fault) {
	sch, known := s.schemaOf(provider, typ)
	if !known {
		return false, nil
	}
	if faults := wildNumbers(document); len(faults) > 0 {
		return true, tidy(faults)
	}
	if err := sch.compiled.Validate(document); err != nil {
		return true, explain(err, document, sch.parts)
	}
	return true, nil
}
