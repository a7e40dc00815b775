package schemas

import (
	"reflect"
	"regexp"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// gather collects a schema and all schemas that it is made of, by their absolute location.
func gather(s *jsonschema.Schema, into map[string]*jsonschema.Schema) {
	if s == nil || into[s.Location] == s {
		return
	}
	into[s.Location] = s
	// Schemas hide in some thirty fields of five forms; a list of their names would be one to keep up to date.
	for field, value := range reflect.ValueOf(s).Elem().Fields() {
		if field.IsExported() {
			gatherValue(value.Interface(), into)
		}
	}
}

// gatherValue finds schemas in the forms in which a schema holds others.
func gatherValue(value any, into map[string]*jsonschema.Schema) {
	switch value := value.(type) {
	case *jsonschema.Schema:
		gather(value, into)
	case []*jsonschema.Schema:
		for _, s := range value {
			gather(s, into)
		}
	case map[string]*jsonschema.Schema:
		for _, s := range value {
			gather(s, into)
		}
	case map[*regexp.Regexp]*jsonschema.Schema:
		for _, s := range value {
			gather(s, into)
		}
	case map[string]any:
		for _, s := range value {
			gatherValue(s, into)
		}
	}
}
