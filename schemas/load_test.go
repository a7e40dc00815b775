package schemas_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"sluice.internal/schemas"
)

func TestBrokenSchemasAreAllNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"what is not JSON":                      {map[string]string{"acme/order.json": `{"type":`}, []string{`read schema "acme/order.json"`}},
		"an empty file":                         {map[string]string{"acme/order.json": ``}, []string{`read schema "acme/order.json"`}},
		"two documents in a file":               {map[string]string{"acme/order.json": `{} {}`}, []string{`read schema "acme/order.json"`}},
		"a type that does not exist":            {map[string]string{"acme/order.json": `{"type":"strng"}`}, []string{`compile schema "acme/order.json"`, "/type"}},
		"a document that is no schema":          {map[string]string{"acme/order.json": `[]`}, []string{`compile schema "acme/order.json"`}},
		"a broken pattern":                      {map[string]string{"acme/order.json": `{"pattern":"("}`}, []string{`compile schema "acme/order.json"`, "/pattern"}},
		"a broken pattern for names":            {map[string]string{"acme/order.json": `{"patternProperties":{"(":true}}`}, []string{`compile schema "acme/order.json"`}},
		"a file that is not there":              {map[string]string{"acme/order.json": `{"$ref":"common/address.json"}`}, []string{`compile schema "acme/order.json"`, "/acme/common/address.json is not among the schemas"}},
		"a definition that is not there":        {map[string]string{"acme/order.json": `{"$ref":"#/$defs/address"}`}, []string{`compile schema "acme/order.json"`, "#/$defs/address"}},
		"a file of the machine":                 {map[string]string{"acme/order.json": `{"$ref":"file:///etc/hostname"}`}, []string{"file:///etc/hostname is not among the schemas"}},
		"an address":                            {map[string]string{"acme/order.json": `{"$ref":"https://example.com/order.json"}`}, []string{"https://example.com/order.json is not among the schemas"}},
		"a draft that does not exist":           {map[string]string{"acme/order.json": `{"$schema":"https://example.com/draft"}`}, []string{`compile schema "acme/order.json"`, "https://example.com/draft"}},
		"a schema that goes round in circles":   {map[string]string{"acme/order.json": `{"$ref":"#"}`}, []string{`compile schema "acme/order.json"`, "infinite loop"}},
		"a file outside of a provider's folder": {map[string]string{"order.json": `{}`}, []string{`read schema "order.json"`, "provider"}},
		"a shared file that no type uses":       {map[string]string{"acme/order.json": `{}`, "acme/common/address.json": `{"type":1}`}, []string{`compile schema "acme/common/address.json"`}},
		"several":                               {map[string]string{"acme/a.json": `{"type":1}`, "acme/b.json": `{}`, "acme/c.json": `{"required":1}`}, []string{`"acme/a.json"`, `"acme/c.json"`}},
		"several that are not JSON":             {map[string]string{"acme/a.json": `{`, "acme/b.json": `{}`, "acme/c.json": `}`}, []string{`"acme/a.json"`, `"acme/c.json"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := schemas.LoadFS(mapFS(test.files))
			if err == nil || set != nil {
				t.Fatalf("loaded %v, error %v", set, err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), `"acme/b.json"`) {
				t.Errorf("%q names a file that is whole", err)
			}
		})
	}
}

func TestAFolderThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := schemas.LoadFS(os.DirFS(filepath.Join(t.TempDir(), "nowhere"))); err == nil {
		t.Error("no error")
	}
}

func TestALaterLayerAddsAndReplacesTypes(t *testing.T) {
	t.Parallel()
	set, err := schemas.LoadFS(schemas.BuiltIn(), mapFS(map[string]string{
		"green-api/incomingCall.json":     `{"$ref":"common/call.json","required":["status"],"examples":[{"a": 1.0}]}`,
		"green-api/hologramReceived.json": `{"$ref":"common/envelope.json"}`,
		"acme 100%/order #1.json":         `{"$ref":"common/item.json"}`,
		"acme 100%/common/item.json":      `{"required":["item"]}`,
		"acme 100%/README.md":             `not a schema`,
		"green-api/.draft.json":           `not a schema either`,
		"..data/green-api/quota.json":     `{`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	types := set.Types(greenAPI)
	if !slices.Contains(types, "hologramReceived") || !slices.Contains(types, "incomingCall") || len(types) != 12 || !slices.IsSorted(types) {
		t.Errorf("types are %q", types)
	}
	faults := validate(t, set, "incomingCall", decode(t, []byte(`{"typeWebhook":"incomingCall","from":"1","idMessage":"A","instanceData":{}}`)))
	if !slices.Contains(faults, schemas.Fault{Pointer: "/status", Message: missing}) || len(faults) != 3 {
		t.Errorf("faults are %v", faults)
	}
	if examples := set.Examples(greenAPI, "incomingCall"); len(examples) != 1 || string(examples[0]) != `{"a": 1.0}` {
		t.Errorf("examples are %s", examples)
	}
	if known, faults := set.Validate("acme 100%", "order #1", map[string]any{}); !known || len(faults) != 1 {
		t.Errorf("known %v, faults %v", known, faults)
	}
}

func TestASchemaMayHaveAnAddressOfItsOwn(t *testing.T) {
	t.Parallel()
	set, err := schemas.LoadFS(mapFS(map[string]string{
		"acme/order.json":  `{"$id":"https://acme.example/order","$ref":"#/$defs/order","$defs":{"order":{"required":["id"]}}}`,
		"acme/copy.json":   `{"$id":"https://acme.example/order","$ref":"#/$defs/order","$defs":{"order":{"required":["other"]}}}`,
		"acme/always.json": `true`,
		"acme/never.json":  `false`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	for typ, want := range map[string][]schemas.Fault{
		"order": {{"/id", missing}}, "copy": {{"/other", missing}}, "always": nil, "never": {{"", "not allowed"}},
	} {
		if known, faults := set.Validate("acme", typ, map[string]any{}); !known || !slices.Equal(faults, want) {
			t.Errorf("%s: known %v, faults %v", typ, known, faults)
		}
	}
}

// conditions are written in all the ways that are near the one that is looked up instead of tried.
const conditions = `"allOf":[
	{"if":{"properties":{"a":{"const":"1"}},"required":["a"]},"then":{"required":["a1"]}},
	{"if":{"properties":{"a":{"const":"2"}},"required":["a"]},"then":{"required":["a2"],"properties":{"a2":true}}},
	{"if":{"properties":{"a":{"const":"1"}},"required":["a"]},"then":{"required":["again"]}},
	{"if":{"properties":{"a":{"const":"2"}},"required":["a"]},"then":{"properties":{"a2":{"const":"loose"}}}},
	{"if":{"properties":{"b":{"const":"1"}},"required":["b"]},"then":{"required":["b1"]}},
	{"if":{"properties":{"b":{"const":"2"}},"required":["b"]},"then":{"required":["b2"]}},
	{"if":{"properties":{"b":{"const":"3"}},"required":["b"]},"then":{"required":["b3"]}},
	{"if":{"properties":{"a":{"const":"3"}}},"then":{"required":["a3"]}},
	{"if":{"properties":{"a":{"const":"4"}},"required":["a"]},"then":{"required":["a4"]},"else":{"maxProperties":3}},
	{"if":{"properties":{"a":{"const":"5"}},"required":["a"]},"then":{"required":["a5"]},"maxProperties":4},
	{"if":{"properties":{"a":{"const":"6"},"b":{"const":"1"}},"required":["a"]},"then":{"required":["a6"]}},
	{"if":{"properties":{"a":{"const":"7"}},"required":["b"]},"then":{"required":["a7"]}},
	{"if":{"properties":{"a":{"const":8}},"required":["a"]},"then":{"required":["a8"]}},
	{"if":{"properties":{"a":{"const":"9","minLength":2}},"required":["a"]},"then":{"required":["a9"]}},
	{"if":{"properties":{"a":{"const":"0"}},"required":["a"],"minProperties":2},"then":{"required":["a0"]}},
	{"if":{"properties":{"a":{"const":"never"}},"required":["a"]},"then":false}
]`

func TestConditionsMeanWhatTheStandardSays(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"the rest is free":  `{` + conditions + `}`,
		"the rest is bound": `{` + conditions + `,"unevaluatedProperties":{"const":"loose"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := schemas.LoadFS(mapFS(map[string]string{"acme/order.json": content, "acme/other.json": `{"$ref":"order.json"}`}))
			if err != nil {
				t.Fatal(err)
			}
			plain := jsonschema.MustCompileString("order.json", content)
			verdicts := map[bool]int{}
			for _, document := range conditionDocuments() {
				want := plain.Validate(document)
				verdicts[want == nil]++
				for _, typ := range []string{"order", "other"} {
					if _, faults := set.Validate("acme", typ, document); (want == nil) != (len(faults) == 0) {
						t.Errorf("%s %v: %v, but the standard says %v", typ, document, faults, want)
					}
				}
			}
			if verdicts[true] < 30 || verdicts[false] < 300 {
				t.Errorf("verdicts are %v only", verdicts)
			}
		})
	}
}

// conditionDocuments combine values of a and b with what the conditions demand.
func conditionDocuments() []map[string]any {
	extras := [][]string{
		nil,
		{"a1"},
		{"again"},
		{"a1", "again"},
		{"a2"},
		{"a3"},
		{"a4"},
		{"a5"},
		{"a6"},
		{"a7"},
		{"a8"},
		{"a9"},
		{"a0"},
		{"b1"},
		{"b2"},
		{"b3"},
		{"a2", "b2"},
		{"a2", "b1"},
		{"a3", "b2"},
		{"a4", "b1"},
	}
	var documents []map[string]any
	for _, a := range []any{nil, "1", "2", "3", "4", "5", "6", "7", "8", float64(8), "9", "0", "never", "loose"} {
		for _, b := range []any{nil, "1", "2", "3", float64(1), "loose"} {
			for _, extra := range extras {
				document := map[string]any{}
				if a != nil {
					document["a"] = a
				}
				if b != nil {
					document["b"] = b
				}
				for _, name := range extra {
					document[name] = "loose"
				}
				documents = append(documents, document)
			}
		}
	}
	return documents
}

func TestASetIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	set := load(t)
	s := sample(t, "whatsapp_incomingMessageReceived_textMessage.json")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			document := s.document(t)
			for range 100 {
				if faults := validate(t, set, s.typ, document); faults != nil {
					t.Error(faults)
				}
				set.Examples(greenAPI, s.typ)[0][0] = 'x'
			}
		})
	}
	group.Wait()
	if example := set.Examples(greenAPI, s.typ)[0]; example[0] != '{' {
		t.Error("an example was changed from outside")
	}
}

func mapFS(files map[string]string) fstest.MapFS {
	layer := fstest.MapFS{}
	for name, content := range files {
		layer[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return layer
}
