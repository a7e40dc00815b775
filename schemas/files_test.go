package schemas_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

const draft = "https://json-schema.org/draft/2020-12/schema"

func TestEveryFileIsASchemaOfDraft2020(t *testing.T) {
	t.Parallel()
	meta, err := jsonschema.NewCompiler().Compile(draft)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range schemaFiles(t) {
		if err := meta.Validate(decode(t, content)); err != nil {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

func TestEveryFileSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for name, content := range schemaFiles(t) {
		schema := decode(t, content).(map[string]any)
		if schema["$schema"] != draft {
			t.Errorf("%s: $schema is %v", name, schema["$schema"])
		}
		if want := "https://sluice.internal/schemas/" + name; schema["$id"] != want {
			t.Errorf("%s: $id is %v", name, schema["$id"])
		}
		for _, keyword := range []string{"title", "description"} {
			if text, _ := schema[keyword].(string); text == "" {
				t.Errorf("%s has no %s", name, keyword)
			}
		}
		if path.Dir(name) != greenAPI {
			continue
		}
		properties, _ := schema["properties"].(map[string]any)
		typeWebhook, _ := properties["typeWebhook"].(map[string]any)
		if want := strings.TrimSuffix(path.Base(name), ".json"); typeWebhook["const"] != want {
			t.Errorf("%s: typeWebhook is %v", name, typeWebhook)
		}
	}
}

// A notification that is refused is lost to its receiver, so nothing that may change is held fast.
func TestNoSchemaRefusesWhatIsNew(t *testing.T) {
	t.Parallel()
	for name, content := range schemaFiles(t) {
		schema := decode(t, content).(map[string]any)
		delete(schema, "examples")
		objects(schema, func(node map[string]any) {
			for _, keyword := range []string{"enum", "format", "pattern", "additionalProperties", "unevaluatedProperties", "oneOf", "not", "maxLength", "minLength", "maxProperties", "propertyNames"} {
				if _, there := node[keyword]; there {
					t.Errorf("%s uses %s", name, keyword)
				}
			}
		})
	}
}

func TestEveryTypeOfGreenAPIHasASchema(t *testing.T) {
	t.Parallel()
	types := load(t).Types(greenAPI)
	want := []string{
		"deviceInfo", "incomingBlock", "incomingCall", "incomingMessageReceived", "outgoingAPIMessageReceived", "outgoingCall",
		"outgoingMessageReceived", "outgoingMessageStatus", "quotaExceeded", "stateInstanceChanged", "statusInstanceChanged",
	}
	if !slices.Equal(types, want) {
		t.Errorf("types are %q", types)
	}
	for _, n := range samples(t) {
		if !slices.Contains(types, n.typ) {
			t.Errorf("%s: no schema for %q", n.name, n.typ)
		}
	}
}

func TestEveryKindOfMessageHasAnExample(t *testing.T) {
	t.Parallel()
	set := load(t)
	shown := map[any]bool{}
	for _, typ := range set.Types(greenAPI) {
		for _, example := range set.Examples(greenAPI, typ) {
			messageData, _ := decode(t, example).(map[string]any)["messageData"].(map[string]any)
			shown[messageData["typeMessage"]] = true
		}
	}
	known := 0
	objects(decode(t, schemaFiles(t)["green-api/common/message-data.json"]), func(node map[string]any) {
		if kind, ok := node["const"]; ok {
			known++
			if !shown[kind] {
				t.Errorf("no example shows %v", kind)
			}
		}
	})
	if known < 26 {
		t.Errorf("only %d kinds of message are known", known)
	}
}
