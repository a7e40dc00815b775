package config

import (
	"encoding"
	"net/netip"
	"reflect"
	"regexp"
	"sluice.internal/shared/config/internal/value"
	"strings"
	"time"
)

// anyItem stands for the place in a list of sections.
const anyItem = "[]"

// nameForm is what names of one kind look like.
type nameForm struct {
	// any stands for a name in a key.
	any     string
	pattern *regexp.Regexp
	fault   string
	// outside says that variables and flags reach the keys of a section that the file has named.
	outside bool
}

// keySpec is a row of the table: a section with keys in it, or a leaf with a value. It is read from a field of a struct.
type keySpec struct {
	name, key string
	doc       string // where its doc comment stands, as "Struct.Field"
	field     reflect.StructField
	index     []int // of the field, from Config, from Source or from what a list of sections has
	children  []*keySpec
	repeated  bool     // a list of sections, each with the children
	open      bool     // a section whose keys others know
	form      nameForm // of the names that a section stands for
	// fileOnly says that the key stands where neither variables nor flags reach it: in a list of sections, or in one with a
	// name that these do not reach.
	fileOnly bool
	// ofFile is the secret whose file the value names, nil for all others.
	ofFile *keySpec
}

// newTable returns the tree of all keys, read from the fields of a struct. Names are the forms of names in sections that have
// them, by the sections' own names.
func newTable(t reflect.Type, names map[string]nameForm) *keySpec {
	return &keySpec{children: keySpecs(t, names, &keySpec{})}
}

// keySpecs reads the rows below a section. Of a section that stands in others, above has the index of its field in these.
func keySpecs(t reflect.Type, names map[string]nameForm, above *keySpec) []*keySpec {
	var all []*keySpec
	for i := range t.NumField() {
		field := t.Field(i)
		name := field.Tag.Get("yaml")
		if name == "-" {
			continue
		}
		k := &keySpec{name: name, key: above.prefix() + name, doc: t.Name() + "." + field.Name, field: field, fileOnly: above.fileOnly}
		k.index = append(append(k.index, above.index...), i)
		switch {
		case k.tag("open") != "":
			k.open, k.fileOnly = true, true
		case field.Anonymous: // Its keys stand beside the others.
			beside := *above
			beside.index = k.index
			all = append(all, keySpecs(field.Type, names, &beside)...)
			continue
		case field.Type.Kind() == reflect.Map:
			form := names[name]
			each := &keySpec{name: form.any, key: k.key + "." + form.any, form: form, fileOnly: k.fileOnly || !form.outside}
			each.children = keySpecs(field.Type.Elem(), names, each)
			k.children = []*keySpec{each}
		case field.Type.Kind() == reflect.Slice && isSection(field.Type.Elem()):
			k.repeated = true
			k.children = keySpecs(field.Type.Elem(), names, &keySpec{key: k.key + anyItem, fileOnly: true})
		case isSection(field.Type):
			k.children = keySpecs(field.Type, names, k)
		}
		all = append(all, k)
	}
	return all
}

// prefix is what the keys below begin with.
func (k *keySpec) prefix() string {
	if k.key == "" {
		return ""
	}
	return k.key + "."
}

// isSection reports whether the struct holds keys. A struct that is one value can be written as text.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// child returns the key of that name, or the one that stands for every name; nil when there is neither.
func (k *keySpec) child(name string) *keySpec {
	for _, child := range k.children {
		if child.name == name || child.isNamed() {
			return child
		}
	}
	return nil
}

func (k *keySpec) leaves() []*keySpec {
	if len(k.children) == 0 {
		return []*keySpec{k}
	}
	var all []*keySpec
	for _, child := range k.children {
		all = append(all, child.leaves()...)
	}
	return all
}

func (k *keySpec) names() []string {
	names := make([]string, len(k.children))
	for i, child := range k.children {
		names[i] = child.name
	}
	return names
}

func (k *keySpec) tag(name string) string {
	return k.field.Tag.Get(name)
}

// isNamed reports whether the section stands for any number of sections, each with a name that the user chooses.
func (k *keySpec) isNamed() bool { return k.form.pattern != nil }

// choices returns what a value must be one of; none means anything of its type.
func (k *keySpec) choices() []string { return k.split("enum") }

// split returns the values of a tag that has several, separated by commas.
func (k *keySpec) split(tag string) []string {
	if text := k.tag(tag); text != "" {
		return strings.Split(text, ",")
	}
	return nil
}

func (k *keySpec) isList() bool {
	return k.field.Type.Kind() == reflect.Slice
}

// item returns the type of the value, or of the values in the list.
func (k *keySpec) item() reflect.Type {
	if k.isList() {
		return k.field.Type.Elem()
	}
	return k.field.Type
}

func (k *keySpec) typeName() string {
	name := map[reflect.Type]string{
		reflect.TypeFor[string]():        "text",
		reflect.TypeFor[value.Secret]():  "secret",
		reflect.TypeFor[value.URL]():     "URL",
		reflect.TypeFor[value.Size]():    "size",
		reflect.TypeFor[time.Duration](): "duration",
		reflect.TypeFor[bool]():          "true or false",
		reflect.TypeFor[int]():           "number",
		reflect.TypeFor[netip.Prefix]():  "address or CIDR",
		reflect.TypeFor[time.Time]():     "time",
	}[k.item()]
	switch {
	case k.open:
		return "sections"
	case len(k.choices()) > 0:
		return strings.Join(k.choices(), ", ")
	case k.isPath():
		name = "path"
	}
	if k.isList() {
		return "list: " + name
	}
	return name
}
