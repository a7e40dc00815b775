package schemas_test

import (
	"bytes"
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"pgregory.net/rapid"

	"sluice.internal/schemas"
)

// Every keyword whose faults are bounded, alone and beside those that depend on it.
const boundedSchemas = `[
	{"items": {"type": "integer"}},
	{"prefixItems": [{"type": "integer"}], "items": {"type": "string"}},
	{"prefixItems": [{"type": "integer"}], "unevaluatedItems": false},
	{"contains": {"type": "integer"}},
	{"contains": {"type": "integer"}, "minContains": 2, "maxContains": 3},
	{"contains": {"type": "integer"}, "minContains": 0},
	{"contains": {"type": "integer"}, "unevaluatedItems": {"type": "string"}},
	{"additionalProperties": {"type": "integer"}},
	{"properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "integer"}},
	{"properties": {"a": {"type": "string"}}, "patternProperties": {"^b": {"type": "integer"}, "c$": {"type": "integer"}}},
	{"properties": {"a": {"type": "string"}}, "patternProperties": {"^b": {"type": "integer"}}, "additionalProperties": false},
	{"patternProperties": {"^b": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
	{"patternProperties": {"^b": {"type": "integer"}}, "additionalProperties": true},
	{"patternProperties": {"^b": {"type": "integer"}}, "unevaluatedProperties": false},
	{"allOf": [{"additionalProperties": {"type": "integer"}}], "unevaluatedProperties": false},
	{"allOf": [{"items": {"type": "integer"}}], "unevaluatedItems": false},
	{"propertyNames": {"maxLength": 1}},
	{"propertyNames": {"maxLength": 1}, "properties": {"a": {"type": "integer"}}, "additionalProperties": false},
	{"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "integer"}], "additionalItems": {"type": "string"}},
	{"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "integer"}], "additionalItems": false},
	{"$schema": "http://json-schema.org/draft-07/schema#", "items": {"type": "integer"}, "contains": {"const": 1}},
	{"anyOf": [{"items": {"type": "integer"}}, {"items": {"type": "string"}}]},
	{"not": {"items": {"type": "integer"}}}
]`

func TestBoundedKeywordsAcceptWhatTheValidatorAccepts(t *testing.T) {
	t.Parallel()
	var all []json.RawMessage
	if err := json.Unmarshal([]byte(boundedSchemas), &all); err != nil {
		t.Fatal(err)
	}
	for _, text := range all {
		set, err := schemas.LoadFS(fstest.MapFS{"acme/order.json": {Data: text}})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		plain := jsonschema.MustCompileString("https://example.test/order.json", string(text))
		rapid.Check(t, func(t *rapid.T) {
			document := containers().Draw(t, "document")
			_, faults := set.Validate("acme", "order", document)
			err := plain.Validate(document)
			if (err == nil) != (len(faults) == 0) {
				t.Fatalf("%s: %v: faults %v, the validator says %v", text, document, faults, err)
			}
		})
	}
}

func containers() *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.Map(rapid.IntRange(0, 3), func(n int) any { return json.Number(string(rune('0' + n))) }),
		rapid.Map(rapid.SampledFrom([]string{"", "a", "x"}), func(s string) any { return s }),
	)
	return rapid.OneOf(
		rapid.Map(rapid.SliceOfN(leaf, 0, 40), func(items []any) any { return items }),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "b1", "c", "ac", "z"}), leaf, 0, 6),
			func(fields map[string]any) any { return fields }),
	)
}

// Not parallel: it measures what the whole process allocates.
//
//nolint:paralleltest // See above.
func TestNoBodyOfNothingButFaultsTakesMuchMemory(t *testing.T) {
	const values = 100_000
	for name, test := range map[string]struct{ schema, body string }{
		"items":       {`{"properties":{"x":{"items":{"type":"string"}}}}`, list(`0`, values)},
		"objects":     {`{"properties":{"x":{"items":{"required":["a","b"]}}}}`, list(`{}`, values)},
		"two levels":  {`{"properties":{"x":{"items":{"items":{"type":"string"}}}}}`, list(`[`+strings.Repeat("0,", 299)+`0]`, values/300)},
		"contains":    {`{"properties":{"x":{"contains":{"type":"string"}}}}`, list(`0`, values)},
		"unevaluated": {`{"properties":{"x":{"allOf":[{"items":{"type":"string"}}]}}}`, list(`0`, values)},
	} {
		set, err := schemas.LoadFS(fstest.MapFS{"acme/order.json": {Data: []byte(test.schema)}})
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader([]byte(test.body)))
		decoder.UseNumber()
		var document any
		if err := decoder.Decode(&document); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, faults := set.Validate("acme", "order", document)
		runtime.ReadMemStats(&after)
		allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
		t.Logf("%s: %d faults, %d MB", name, len(faults), allocated)
		if len(faults) == 0 || len(faults) > 1000 {
			t.Errorf("%s: %d faults", name, len(faults))
		}
		if allocated > 100 {
			t.Errorf("%s: %d MB were allocated", name, allocated)
		}
	}
}

func list(item string, count int) string {
	return `{"x":[` + strings.TrimSuffix(strings.Repeat(item+",", count), ",") + `]}`
}
