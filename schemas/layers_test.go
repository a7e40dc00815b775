package schemas_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"sluice.internal/schemas"
)

func TestFolderAddsTypesAndOverridesThem(t *testing.T) {
	t.Parallel()
	layer := fstest.MapFS{
		"green-api/incomingCall.json": {Data: []byte(`{"type":"object","required":["mine"]}`)},
		"crm/deal.json":               {Data: []byte(`{"type":"object","required":["id"]}`)},
	}
	set, err := schemas.LoadFS(schemas.BuiltIn(), layer)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{"green-api", "incomingCall"}, {"crm", "deal"}} {
		if known, faults := set.Validate(pair[0], pair[1], map[string]any{}); !known || len(faults) != 1 {
			t.Errorf("%s: known %t, faults %v", pair, known, faults)
		}
	}
	if !set.Has("crm") || set.Has("erp") {
		t.Error("the set does not know whom it has schemas for")
	}
}

func TestTypesWithoutASchemaAreHeldAgainstTheirProvidersOwn(t *testing.T) {
	t.Parallel()
	set := load(t)
	valid := map[string]map[string]any{
		"github": {}, "shopify": {}, "dropbox": {}, "slack": {"type": "event_callback"}, "standard-webhooks": {"type": "a"},
		"stripe": {"id": "evt_1", "type": "a", "data": map[string]any{}},
	}
	for provider, document := range valid {
		if known, faults := set.Validate(provider, "anything.new", document); !known || len(faults) > 0 {
			t.Errorf("%s: known %t, faults %v", provider, known, faults)
		}
		if known, faults := set.Validate(provider, "anything.new", []any{}); !known || len(faults) == 0 {
			t.Errorf("%s takes an array: known %t", provider, known)
		}
		if types := set.Types(provider); len(types) > 0 {
			t.Errorf("%s has types %q", provider, types)
		}
	}
	if _, faults := set.Validate("stripe", "a", map[string]any{"type": "a"}); len(faults) != 1 {
		t.Errorf("without id: %v", faults)
	}
	if known, _ := set.Validate(greenAPI, "anything.new", map[string]any{}); known {
		t.Error("GREEN-API has no unknown types")
	}
}

func TestExamplesOfAllProvidersAreValid(t *testing.T) {
	t.Parallel()
	set, count := load(t), 0
	for _, provider := range []string{"sms-by", "timepad"} {
		for _, typ := range set.Types(provider) {
			for _, example := range set.Examples(provider, typ) {
				count++
				if known, faults := set.Validate(provider, typ, decode(t, example)); !known || len(faults) > 0 {
					t.Errorf("%s %s: %v", provider, typ, faults)
				}
			}
		}
	}
	if count < 3 {
		t.Errorf("%d examples", count)
	}
	if _, faults := set.Validate("sms-by", "messageStatus", map[string]any{"channel": "SMS", "message_id": []any{"1", "2"}}); len(faults) != 2 {
		t.Errorf("faults %v", faults)
	}
}

func TestBrokenFilesAreAllNamedWithTheirLines(t *testing.T) {
	t.Parallel()
	_, err := schemas.LoadFS(schemas.BuiltIn(), fstest.MapFS{
		"crm/a.json": {Data: []byte("{\n\"type\": \"object\",\n}")}, "crm/b.json": {Data: []byte("{\n\"type\"")},
	})
	if err == nil || !strings.Contains(err.Error(), `"crm/a.json": line 3: `) || !strings.Contains(err.Error(), `"crm/b.json": line 2: `) {
		t.Errorf("error %v", err)
	}
}
