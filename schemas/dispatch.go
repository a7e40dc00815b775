package schemas

import (
	"reflect"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// dispatch looks up the schema that a field's value selects. It takes the place of a list of
//
//	{ "if": { "properties": { FIELD: { "const": VALUE } }, "required": [FIELD] }, "then": SCHEMA }
//
// under allOf, which means the same and is how standard JSON Schema says it. The validator tries every one of them in
// turn and makes an error with all its texts of each that does not apply: with 26 kinds of message that is four fifths
// of the time of a validation.
type dispatch struct {
	// field is the name of the field that selects, cases the schemas by its value. A value without a case demands nothing.
	field string
	cases map[string]*jsonschema.Schema
}

// hasten puts dispatches in place, and bounds on faults. All parts must be gathered before, because it takes some from
// where they were, and no dispatch is recognised any more where a bound was put.
func (s *Set) hasten() {
	for _, put := range []func(*jsonschema.Schema){putDispatch, boundFaults} {
		for _, types := range s.providers {
			for _, sch := range types {
				for _, part := range sch.parts {
					put(part)
				}
			}
		}
	}
}

// putDispatch replaces such a list in a schema. What does not have exactly that form stays where it is. A schema that
// several types share has one already when its turn comes again.
func putDispatch(s *jsonschema.Schema) {
	if s.Extensions["dispatch"] != nil {
		return
	}
	d := &dispatch{cases: map[string]*jsonschema.Schema{}}
	rest := slices.DeleteFunc(slices.Clone(s.AllOf), d.take)
	if len(d.cases) < 2 {
		return
	}
	s.AllOf = rest
	if s.Extensions == nil {
		s.Extensions = map[string]jsonschema.ExtSchema{}
	}
	s.Extensions["dispatch"] = d
}

// take adds a case and reports whether it could: the form must be right, the field that of the cases before, and its
// value new.
func (d *dispatch) take(s *jsonschema.Schema) bool {
	if !hasOnly(s, "If", "Then") || s.If == nil || s.Then == nil {
		return false
	}
	field, value, ok := condition(s.If)
	if !ok || d.field != "" && d.field != field || d.cases[value] != nil {
		return false
	}
	d.field = field
	d.cases[value] = s.Then
	return true
}

// condition reads { "properties": { FIELD: { "const": VALUE } }, "required": [FIELD] }.
func condition(s *jsonschema.Schema) (field, value string, ok bool) {
	if !hasOnly(s, "Properties", "Required") || len(s.Properties) != 1 || len(s.Required) != 1 {
		return "", "", false
	}
	field = s.Required[0]
	property, ok := s.Properties[field]
	if !ok || !hasOnly(property, "Constant") || len(property.Constant) != 1 {
		return "", "", false
	}
	value, ok = property.Constant[0].(string)
	return field, value, ok
}

// hasOnly reports whether no other fields of a schema are set than the named ones. It walks over all fields, because one
// that a newer version of the library adds must not be overlooked.
func hasOnly(s *jsonschema.Schema, fields ...string) bool {
	for field, value := range reflect.ValueOf(s).Elem().Fields() {
		known := !field.IsExported() || field.Name == "Location" || field.Name == "Draft" || slices.Contains(fields, field.Name)
		if !known && !unset(field.Name, value) {
			return false
		}
	}
	return true
}

// unset reports whether a field has the value that it has in an empty schema.
func unset(field string, value reflect.Value) bool {
	switch field {
	case "MinContains", "ContainsEval": // never zero, and meaningless without Contains
		return true
	default:
		return value.IsZero() || value.CanInt() && value.Int() == -1
	}
}

// Validate applies the one case that fits, if any.
func (d *dispatch) Validate(ctx jsonschema.ValidationContext, document any) error {
	object, _ := document.(map[string]any)
	value, ok := object[d.field].(string)
	if !ok {
		return nil
	}
	then, ok := d.cases[value]
	if !ok {
		return nil
	}
	ctx.EvaluatedProp(d.field)
	return ctx.Validate(then, "then", document, "")
}
