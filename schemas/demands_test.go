package schemas_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"sluice.internal/schemas"
)

// demands reads out of the schema files, without a validator, what they demand of a valid document.
type demands struct {
	files map[string]any
	// required has the pointers of the fields that may not be missing. The value says whether the field belongs to
	// one of several forms, so that the object and not the field is named when it is missing.
	required map[string]bool
	// types has the types that are allowed at a pointer.
	types map[string][]string
}

// decoded are the schema files as documents.
func decoded(t testing.TB) map[string]any {
	t.Helper()
	files := map[string]any{}
	for name, content := range schemaFiles(t) {
		files[name] = decode(t, content)
	}
	return files
}

func demandsOf(t testing.TB, files map[string]any, n notification) demands {
	t.Helper()
	d := demands{files: files, required: map[string]bool{}, types: map[string][]string{}}
	file := path.Join(greenAPI, n.typ+".json")
	d.read(file, d.files[file], n.document(t), "", false)
	return d
}

func (d demands) read(file string, node, value any, pointer string, alternative bool) {
	schema := node.(map[string]any)
	if ref, ok := schema["$ref"].(string); ok {
		target, node := d.resolve(file, ref)
		d.read(target, node, value, pointer, alternative)
	}
	switch types := schema["type"].(type) {
	case string:
		d.types[pointer] = []string{types}
	case []any:
		for _, name := range types {
			d.types[pointer] = append(d.types[pointer], name.(string))
		}
	}
	object, _ := value.(map[string]any)
	for _, name := range texts(schema["required"]) {
		if _, there := object[name]; there {
			d.required[pointer+"/"+name] = alternative
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		if field, there := object[name]; there {
			d.read(file, property, field, pointer+"/"+name, false)
		}
	}
	for _, part := range slice(schema["allOf"]) {
		if branch := part.(map[string]any); holds(branch["if"], object) {
			d.read(file, branch["then"], value, pointer, alternative)
		}
	}
	for _, part := range slice(schema["anyOf"]) {
		branch := part.(map[string]any)
		if ref, ok := branch["$ref"].(string); ok {
			_, node := d.resolve(file, ref)
			branch = node.(map[string]any)
		}
		if there := func(name string) bool { return object[name] != nil }; all(texts(branch["required"]), there) {
			d.read(file, branch, value, pointer, true)
		}
	}
}

func (d demands) resolve(file, ref string) (string, any) {
	target, fragment, _ := strings.Cut(ref, "#")
	if target == "" {
		target = file
	} else {
		target = path.Join(path.Dir(file), target)
	}
	node := d.files[target]
	for _, part := range strings.Split(fragment, "/")[1:] {
		node = node.(map[string]any)[part]
	}
	return target, node
}

// holds reads the conditions that the schemas use: a field that has one value.
func holds(condition any, object map[string]any) bool {
	for name, property := range condition.(map[string]any)["properties"].(map[string]any) {
		if object[name] != property.(map[string]any)["const"] {
			return false
		}
	}
	return true
}

func slice(value any) []any {
	items, _ := value.([]any)
	return items
}

func texts(value any) []string {
	var names []string
	for _, name := range slice(value) {
		names = append(names, name.(string))
	}
	return names
}

func all(names []string, is func(string) bool) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !is(name) })
}

func TestEveryRequiredFieldIsMissedByName(t *testing.T) {
	t.Parallel()
	set := load(t)
	drops, distinct, tried := 0, map[string]bool{}, places{}
	files := decoded(t)
	for _, n := range notifications(t, set) {
		for pointer, alternative := range demandsOf(t, files, n).required {
			document := n.document(t)
			if !tried.isNew(t, n, document, pointer) {
				continue
			}
			object, name := at(t, document, pointer)
			delete(object, name)
			drops++
			distinct[n.typ+pointer] = true
			if faults := validate(t, set, n.typ, document); !names(faults, pointer, "is missing", alternative) {
				t.Errorf("%s without %s: %v", n.name, pointer, faults)
			}
		}
	}
	t.Logf("%d fields dropped, %d of them distinct", drops, len(distinct))
	if drops < 480 || len(distinct) < 110 {
		t.Errorf("dropped %d fields only, %d of them distinct", drops, len(distinct))
	}
}

// wrong has a value of each type, in the order in which they are tried.
var wrong = []struct {
	typ   string
	value any
}{{"boolean", true}, {"number", 1.5}, {"string", "text"}, {"array", []any{}}, {"object", map[string]any{}}, {"null", nil}}

func TestEveryRequiredFieldOfAWrongTypeIsNamed(t *testing.T) {
	t.Parallel()
	set, files, fields := load(t), decoded(t), places{}
	tried := 0
	for _, n := range notifications(t, set) {
		d := demandsOf(t, files, n)
		for pointer := range d.required {
			if len(d.types[pointer]) == 0 {
				t.Errorf("%s: %s is demanded, but not its type", n.name, pointer)
			}
			if !fields.isNew(t, n, n.document(t), pointer) {
				continue
			}
			for _, candidate := range wrong {
				if slices.Contains(d.types[pointer], candidate.typ) {
					continue
				}
				document := n.document(t)
				object, name := at(t, document, pointer)
				object[name] = candidate.value
				tried++
				if faults := validate(t, set, n.typ, document); !names(faults, pointer, ", must be ", false) {
					t.Errorf("%s with %s as %s: %v", n.name, pointer, candidate.typ, faults)
				}
			}
		}
	}
	t.Logf("%d wrong types tried", tried)
	if tried < 2400 {
		t.Errorf("tried %d wrong types only", tried)
	}
}

// names reports whether a fault is about the field, or for one of several forms about the object that should have it.
func names(faults []schemas.Fault, pointer, message string, alternative bool) bool {
	parent, name := path.Split(pointer)
	return slices.ContainsFunc(faults, func(fault schemas.Fault) bool {
		if fault.Pointer == pointer {
			return strings.Contains(fault.Message, message)
		}
		return alternative && fault.Pointer == strings.TrimSuffix(parent, "/") &&
			strings.HasPrefix(fault.Message, "must have ") && strings.Contains(fault.Message, name)
	})
}

// The files mean the same to any validator: what this package does for speed changes no verdict.
func TestEveryVerdictIsThatOfAStandardValidator(t *testing.T) {
	t.Parallel()
	set, plain := load(t), standard(t)
	if got, want := set.Types(greenAPI), slices.Sorted(maps.Keys(plain)); !slices.Equal(got, want) {
		t.Fatalf("types are %q, want %q", got, want)
	}
	valid, invalid, tried := 0, 0, places{}
	compare := func(n notification, change string, document any) {
		faults := validate(t, set, n.typ, document)
		err := plain[n.typ].Validate(document)
		if (err == nil) != (len(faults) == 0) {
			t.Errorf("%s %s: %v, but the standard says %v", n.name, change, faults, err)
		}
		if err == nil {
			valid++
		} else {
			invalid++
		}
	}
	for _, n := range notifications(t, set) {
		compare(n, "as it is", n.document(t))
		for pointer := range fields(n.document(t), "") {
			document := n.document(t)
			if !tried.isNew(t, n, document, pointer) {
				continue
			}
			object, name := at(t, document, pointer)
			for _, candidate := range wrong {
				object[name] = candidate.value
				compare(n, "with "+pointer+" as "+candidate.typ, document)
			}
			delete(object, name)
			compare(n, "without "+pointer, document)
		}
	}
	t.Logf("%d valid, %d invalid", valid, invalid)
	if valid < 2000 || invalid < 5000 {
		t.Errorf("compared %d valid and %d invalid documents only", valid, invalid)
	}
}

// fields returns the pointers of all fields in objects within objects.
func fields(object map[string]any, pointer string) map[string]bool {
	pointers := map[string]bool{}
	for name, value := range object {
		pointers[pointer+"/"+name] = true
		if inner, ok := value.(map[string]any); ok {
			maps.Copy(pointers, fields(inner, pointer+"/"+name))
		}
	}
	return pointers
}
