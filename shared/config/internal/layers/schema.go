package layers

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"time"

	"sluice.internal/shared/config/internal/value"
)

// Schema returns the JSON Schema of a row, with the meanings of it and of the rows below it.
func (k *Row) Schema(meaningOf map[string]string) map[string]any {
	var schema map[string]any
	switch {
	case k.Open:
		schema = map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "object"}}
	case k.repeated:
		schema = map[string]any{"type": "array", "items": k.sectionSchema(meaningOf)}
	case len(k.children) > 0:
		schema = k.sectionSchema(meaningOf)
	case k.isList():
		schema = map[string]any{"type": "array", "items": k.valueSchema()}
	default:
		schema = k.valueSchema()
		if text := k.Tag("default"); text != "" {
			schema["default"] = k.literal(text)
		}
	}
	if meaning := meaningOf[k.Doc]; meaning != "" {
		schema["description"] = meaning
	}
	return schema
}

func (k *Row) sectionSchema(meaningOf map[string]string) map[string]any {
	schema := map[string]any{"type": "object", "additionalProperties": false}
	properties := map[string]any{}
	for _, child := range k.children {
		if child.isNamed() {
			schema["additionalProperties"] = child.Schema(meaningOf)
			schema["propertyNames"] = map[string]any{"pattern": child.form.Pattern.String()}
			return schema
		}
		properties[child.name] = child.Schema(meaningOf)
	}
	schema["properties"] = properties
	return schema
}

func (k *Row) valueSchema() map[string]any {
	if choices := k.choices(); choices != nil {
		literals := make([]any, len(choices))
		for i, choice := range choices {
			literals[i] = k.literal(choice)
		}
		return map[string]any{"enum": literals}
	}
	schema := map[string]any{"type": "string"}
	switch k.Item() {
	case reflect.TypeFor[bool]():
		schema["type"] = "boolean"
	case reflect.TypeFor[int]():
		schema["type"] = "integer"
		schema["minimum"], schema["maximum"] = k.bound(k.Tag("min")), k.bound(k.Tag("max"))
	case reflect.TypeFor[value.Size]():
		schema["type"], schema["pattern"] = []string{"string", "integer"}, value.SizePattern()
	case reflect.TypeFor[time.Duration]():
		schema["pattern"] = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`
	case reflect.TypeFor[value.Secret](), reflect.TypeFor[netip.Prefix](), reflect.TypeFor[time.Time]():
		schema["minLength"] = 1
	}
	if pattern := k.Tag("pattern"); pattern != "" {
		schema["pattern"] = pattern
	}
	return schema
}

// literal is the text as the JSON that an editor would write for it.
func (k *Row) literal(text string) any {
	switch k.Item() {
	case reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[value.Size]():
		if json.Valid([]byte(text)) {
			return json.RawMessage(text)
		}
	}
	return text
}
