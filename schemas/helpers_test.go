package schemas_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"sluice.internal/schemas"
)

const greenAPI = "green-api"

// notification is a body that the schema of its type must accept.
type notification struct {
	name, typ string
	body      []byte
}

func (n notification) document(t testing.TB) map[string]any {
	t.Helper()
	return decode(t, n.body).(map[string]any)
}

// notifications are all samples and all examples of the schemas.
func notifications(t testing.TB, set *schemas.Set) []notification {
	t.Helper()
	all := samples(t)
	for _, typ := range set.Types(greenAPI) {
		for i, example := range set.Examples(greenAPI, typ) {
			all = append(all, notification{typ + " example " + strconv.Itoa(i), typ, example})
		}
	}
	return all
}

func samples(t testing.TB) []notification {
	t.Helper()
	files, err := fs.Glob(os.DirFS("testdata/"+greenAPI), "*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 60 {
		t.Fatalf("found %d samples, there were 65", len(files))
	}
	all := make([]notification, len(files))
	for i, file := range files {
		all[i] = sample(t, file)
	}
	return all
}

func sample(t testing.TB, file string) notification {
	t.Helper()
	body, err := os.ReadFile(path.Join("testdata", greenAPI, file))
	if err != nil {
		t.Fatal(err)
	}
	typ, _ := decode(t, body).(map[string]any)["typeWebhook"].(string)
	return notification{strings.TrimSuffix(file, ".json"), typ, body}
}

func load(t testing.TB) *schemas.Set {
	t.Helper()
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func decode(t testing.TB, body []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		t.Fatalf("decode %s: %v", body, err)
	}
	return document
}

// validate fails the test when the type is unknown.
func validate(t testing.TB, set *schemas.Set, typ string, document any) []schemas.Fault {
	t.Helper()
	known, faults := set.Validate(greenAPI, typ, document)
	if !known {
		t.Fatalf("no schema for %q", typ)
	}
	return faults
}

// standard compiles the built-in files with nothing of this package between them and the validator.
func standard(t testing.TB) map[string]*jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiled := map[string]*jsonschema.Schema{}
	for name, content := range schemaFiles(t) {
		if err := compiler.AddResource("https://sluice.internal/schemas/"+name, bytes.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	}
	for name := range schemaFiles(t) {
		if path.Dir(name) != greenAPI {
			continue
		}
		schema, err := compiler.Compile("https://sluice.internal/schemas/" + name)
		if err != nil {
			t.Fatal(err)
		}
		compiled[strings.TrimSuffix(path.Base(name), ".json")] = schema
	}
	return compiled
}

// schemaFiles are the built-in files by name.
func schemaFiles(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := fs.WalkDir(schemas.BuiltIn(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(schemas.BuiltIn(), name)
		files[name] = content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// at returns the object that holds what a pointer points at, and the field's name.
func at(t testing.TB, document any, pointer string) (map[string]any, string) {
	t.Helper()
	parts := strings.Split(pointer, "/")[1:]
	for _, part := range parts[:len(parts)-1] {
		document = document.(map[string]any)[part]
	}
	return document.(map[string]any), parts[len(parts)-1]
}

// places are fields of which one was tried: of which type of notification and of message, where, and beside which others.
type places map[string]bool

// isNew notes the field that a pointer points at, and reports whether it is the first one in its place.
func (p places) isNew(t testing.TB, n notification, document any, pointer string) bool {
	t.Helper()
	object, _ := at(t, document, pointer)
	message, _ := document.(map[string]any)["messageData"].(map[string]any)
	place := fmt.Sprintf("%s %v %s %q", n.typ, message["typeMessage"], pointer, slices.Sorted(maps.Keys(object)))
	isNew := !p[place]
	p[place] = true
	return isNew
}

// objects calls visit with every object in a value, at any depth.
func objects(value any, visit func(map[string]any)) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			objects(value[name], visit)
		}
		visit(value)
	case []any:
		for _, item := range value {
			objects(item, visit)
		}
	}
}
