package intake

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"sluice.internal/schemas"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/worker/handler"
)

// retyped are a value of each type of JSON, in the place of which a sender may write any other.
var retyped = []any{nil, true, json.Number("1.5"), json.Number("-7"), "text", "", []any{}, []any{"text"}, map[string]any{}, map[string]any{"text": nil}}

// The whole promise that a real notification reaches its handler, without the streams: every sample is taken, with every
// field at every depth removed and given every type. None becomes a dead letter but those without a type, and what becomes
// an event is read by its handler without an error.
func TestNoMutationOfASampleIsKeptFromItsHandler(t *testing.T) {
	t.Parallel()
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	v := &validator{schemas: set, providers: source.Providers()}
	tried, drifted, dead := 0, 0, 0
	mutated := places{}
	for _, name := range sampleFiles(t) {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		document, fault := notification.Parse(body)
		if fault != nil {
			t.Errorf("%s %s", name, fault.Message)
			continue
		}
		if faults, _ := v.throughHandler(t, body); len(faults) > 0 {
			t.Errorf("%s as it is has faults: %+v", name, faults)
		}
		mutated.each(document.Root(), func(mutant []byte) {
			faults, refused := v.throughHandler(t, mutant)
			tried++
			drifted += min(len(faults), 1)
			if refused {
				dead++
			}
		})
	}
	t.Logf("%d tried, %d with faults, %d dead letters without a type", tried, drifted, dead)
	if tried < 6_000 || drifted < 3_000 || dead < 100 {
		t.Error("that is too few")
	}
}

// Every provider's notification that becomes an event is read by its handler without a panic, be it the built-in one or one
// that decodes into anything.
func TestWhatIsAcceptedIsReadByItsHandler(t *testing.T) {
	t.Parallel()
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	v := &validator{schemas: set, providers: source.Providers()}
	accepted := 0
	for _, sample := range []struct{ provider, body string }{
		{"sms-by", `{"channel":"VIBER","message_id":2892295,"status":"SENT"}`},
		{"stripe", `{"id":"evt_1","type":"a","created":1790000000,"data":{"object":{"id":"ch_1"}},"related_object":{"id":"m"}}`},
		{"slack", `{"type":"event_callback","team_id":null,"event_id":"E","event":{"type":"message","channel":{"id":"C"},"item":{"channel":"C"}}}`},
		{"github", `{"action":"created","installation":{"id":1,"account":{"login":"acme"}},"repository":{"full_name":"a/b","owner":{"login":"a"}}}`},
		{"standard-webhooks", `{"type":"a","timestamp":"2026-09-17T06:20:52.246Z","data":{"id":1}}`},
		{"dropbox", `{"list_folder":{"accounts":["dbid:1"]}}`},
		{"timepad", `{"id":7,"status":{"name":"paid"},"tickets":[],"organization":{"id":43},"hook_guid":"g","hook_generated_at":"2026-03-01 12:00:00"}`},
		{"shopify", `{"id":1}`},
	} {
		document, fault := notification.Parse([]byte(sample.body))
		if fault != nil {
			t.Fatal(fault)
		}
		places{}.each(document.Root(), func(mutant []byte) {
			n := &notification.Notification{Origin: notification.Origin{
				Source: "shop", Provider: sample.provider, Body: mutant,
				Header: map[string]string{"X-Github-Event": "installation", "X-Shopify-Topic": "orders/create"},
			}}
			for _, n.Former = range []bool{false, true} {
				read, fault := source.Interpret(v.providers, n)
				if fault != nil {
					continue
				}
				accepted++
				_, faults := v.checkSchema(&read)
				event := notification.Event{Origin: n.Origin, Identity: read.Identity, Faults: faults}
				if _, err := handler.BuiltIn().Handle(t.Context(), event, handler.Tools{}); err != nil {
					t.Errorf("%s: its handler says %v\n%s", sample.provider, err, mutant)
				}
			}
		})
	}
	if accepted < 500 {
		t.Errorf("%d mutations were accepted, that is too few", accepted)
	}
}

// throughHandler validates a body, and hands it to its handler. Refused says that it is a dead letter, as it may be without
// a type alone.
func (v *validator) throughHandler(t *testing.T, body []byte) (faults []notification.Fault, refused bool) {
	t.Helper()
	n := &notification.Notification{Origin: notification.Origin{Source: "green-api", Provider: "green-api", Body: body}}
	n.Type, n.Instance = v.providers["green-api"].Peek(n)
	read, fault := source.Interpret(v.providers, n)
	if fault != nil {
		if read.Identity.Type != "" || fault.Pointer != "/typeWebhook" {
			t.Errorf("dead letter: %s %s\n%s", fault.Pointer, fault.Message, body)
		}
		return nil, true
	}
	_, faults = v.checkSchema(&read)
	event := notification.Event{Origin: n.Origin, Identity: read.Identity, Faults: faults}
	if _, err := handler.BuiltIn().Handle(t.Context(), event, handler.Tools{}); err != nil {
		t.Errorf("its handler says %v\n%s", err, body)
	}
	if len(read.Identity.Key) != 32 || len(faults) > notification.MaxFaults+1 {
		t.Errorf("identity %+v, %d faults\n%s", read.Identity, len(faults), body)
	}
	return faults, false
}

// places are where mutations were made: the path of the field, beside which others it is, its type, and of which type of
// message. Samples have most of them in common.
type places map[string]bool

// each calls visit with the document for every field and item in it, at any depth, that is in a new place: once without it
// and once with each other type. What visit gets is its own.
func (p places) each(root map[string]any, visit func([]byte)) {
	show := func() {
		body, err := json.Marshal(root)
		if err != nil {
			panic(err)
		}
		visit(body)
	}
	retype := func(set func(any)) {
		for _, other := range retyped {
			set(other)
			show()
		}
	}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch value := value.(type) {
		case map[string]any:
			names := slices.Sorted(maps.Keys(value))
			for _, name := range names {
				before, field := value[name], path+"/"+name
				if p.isNew(field, names, before) {
					delete(value, name)
					show()
					retype(func(other any) { value[name] = other })
					value[name] = before
				}
				walk(field, before)
			}
		case []any:
			for i, before := range value {
				if p.isNew(path+"/*", nil, before) {
					retype(func(other any) { value[i] = other })
					value[i] = before
				}
				walk(path+"/*", before)
			}
		}
	}
	kind, _ := root["typeWebhook"].(string)
	if message, ok := root["messageData"].(map[string]any); ok {
		kind = fmt.Sprint(kind, " ", message["typeMessage"])
	}
	walk(kind, root)
}

// isNew notes a place and reports whether it is the first time.
func (p places) isNew(path string, beside []string, value any) bool {
	place := fmt.Sprintf("%s %q %T", path, beside, value)
	isNew := !p[place]
	p[place] = true
	return isNew
}

// sampleFiles are the samples of the documentation and those of public reports that are JSON.
func sampleFiles(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, folder := range []string{"green-api", "field"} {
		files, err := filepath.Glob(filepath.Join("..", "handler", "testdata", folder, "*.json"))
		if err != nil || len(files) < 10 {
			t.Fatalf("found %d samples in %s: %v", len(files), strconv.Quote(folder), err)
		}
		all = append(all, files...)
	}
	return all
}
