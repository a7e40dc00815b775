package schemas

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// explain turns what the validator says into faults: the causes alone, without the way through the schema that led to
// them, and in words for people who have the document before them and not the schema.
func explain(err error, document any, parts map[string]*jsonschema.Schema) []Fault {
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return []Fault{{Message: err.Error()}}
	}
	var faults []Fault
	for _, cause := range (explainer{document, parts}).causes(invalid) {
		faults = append(faults, cause.Fault)
	}
	if len(faults) == 0 {
		return []Fault{{Message: "is not valid"}} // an invalid document never looks like a valid one
	}
	return tidy(faults)
}

// tidy sorts faults and drops those that several parts of a schema found.
func tidy(faults []Fault) []Fault {
	slices.SortFunc(faults, func(a, b Fault) int {
		return cmp.Or(strings.Compare(a.Pointer, b.Pointer), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(faults)
}

// explainer knows the document beside the error, since the validator names places and not values.
type explainer struct {
	document any
	parts    map[string]*jsonschema.Schema
}

// cause is a fault with what is needed to weigh it against others.
type cause struct {
	Fault
	// object is the pointer of the object in which the field named missing should be.
	object, missing string
	// types are what the value could have been.
	types []string
}

// causes returns the leaves of the tree that the validator's error is: everything above them only says which schema led
// to which.
func (x explainer) causes(e *jsonschema.ValidationError) []cause {
	part, keyword := x.keyword(e)
	switch {
	case keyword == "anyOf" || keyword == "oneOf" && len(e.Causes) > 0:
		return x.alternatives(e)
	case len(e.Causes) > 0 && keyword != "minContains":
		var all []cause
		for _, below := range e.Causes {
			all = append(all, x.causes(below)...)
		}
		return all
	case keyword == "required":
		return x.missing(e, part)
	case keyword == "type":
		pointer := plainPointer(e.InstanceLocation)
		return []cause{mistyped(pointer, lookUp(x.document, pointer), part.Types)}
	default:
		return []cause{{Fault: Fault{plainPointer(e.InstanceLocation), message(part, keyword, e.Message)}}}
	}
}

// keyword returns the schema that found the error, and by which of its keywords. Both are zero when several were.
func (x explainer) keyword(e *jsonschema.ValidationError) (*jsonschema.Schema, string) {
	location := e.AbsoluteKeywordLocation
	if _, whole := x.parts[location]; whole {
		return nil, ""
	}
	slash := strings.LastIndexByte(location, '/')
	if slash < 0 {
		return nil, ""
	}
	part, ok := x.parts[location[:slash]]
	if !ok {
		return nil, ""
	}
	return part, location[slash+1:]
}

// missing makes one fault of each missing field, where the validator makes one of all.
func (x explainer) missing(e *jsonschema.ValidationError, part *jsonschema.Schema) []cause {
	pointer := plainPointer(e.InstanceLocation)
	object, _ := lookUp(x.document, pointer).(map[string]any)
	var all []cause
	for _, name := range part.Required {
		if _, there := object[name]; !there {
			fault := Fault{pointer + "/" + escape(name), "is missing"}
			all = append(all, cause{Fault: fault, object: pointer, missing: name})
		}
	}
	return all
}

// mistyped says which type a value has and which ones it may have.
func mistyped(pointer string, value any, types []string) cause {
	wanted := make([]string, len(types))
	for i, name := range types {
		wanted[i] = withArticle(name)
	}
	text := fmt.Sprintf("is %s, must be %s", withArticle(typeOf(value)), list(wanted, "or"))
	return cause{Fault: Fault{pointer, text}, types: types}
}

// message says what is wrong where neither presence nor type are.
func message(part *jsonschema.Schema, keyword, text string) string {
	switch keyword {
	case "const":
		return shorten("must be " + inJSON(part.Constant[0]))
	case "enum":
		values := make([]string, len(part.Enum))
		for i, value := range part.Enum {
			values[i] = inJSON(value)
		}
		return shorten("must be " + list(values, "or"))
	}
	if text == "not failed" {
		return "not allowed"
	}
	return shorten(text)
}

// inJSON writes a value as it stands in a document, so that a string is seen with its quotes.
func inJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

// shorten bounds a message: the validator may quote the value, which may be a picture.
func shorten(text string) string {
	const maxRunes = 200
	if runes := []rune(text); len(runes) > maxRunes {
		return string(runes[:maxRunes]) + "…"
	}
	return text
}

// typeOf returns the type of a value by its name in JSON Schema; an integer is a number here.
func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	default:
		return "number"
	}
}

// withArticle returns a type with its article. "null" has none: it is a value.
func withArticle(name string) string {
	switch name {
	case "null":
		return name
	case "integer", "object", "array":
		return "an " + name
	default:
		return "a " + name
	}
}

// list joins names as they are said: "a", "a or b", "a, b or c".
func list(names []string, word string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " " + word + " " + names[last]
}
