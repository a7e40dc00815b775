package config

import (
	"encoding/json"
)

// JSONSchema returns a JSON Schema (draft 2020-12) of sluice.yaml for editors. It knows types, choices and the bounds
// of numbers; only Load checks the rest.
func JSONSchema() ([]byte, error) {
	meaningOf := meanings()
	schema := table().Schema(meaningOf)
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = DefaultFile
	return json.MarshalIndent(schema, "", "  ")
}
