package config

import (
	"encoding"
	"net/netip"
	"reflect"
	"strings"
	"time"
)

// anySource, anyInstance, anyBot and anyHandler stand for a name in a key, anyItem for the place in a list of sections.
const (
	anySource   = "<source>"
	anyInstance = "<instance>"
	anyBot      = "<bot>"
	anyHandler  = "<handler>"
	anyItem     = "[]"
)

// anyNames are what stands for the names in sections that have them, by the sections' own names.
func anyNames() map[string]string {
	return map[string]string{"sources": anySource, "instances": anyInstance, "bots": anyBot, "handlers": anyHandler}
}

// Key describes one key of sluice.yaml, for the documentation and for people who ask the command line.
type Key struct {
	// Key is dotted, with "<source>", "<instance>", "<bot>" and "<handler>" for the name of any.
	Key string `json:"key"`
	// Env is the variable that sets it, with "<SOURCE>" for the source's name; empty where none can.
	Env string `json:"env"`
	// Type is what a value looks like, in a few words.
	Type string `json:"type"`
	// Default is as it would be written; empty means empty, or what Meaning says.
	Default string `json:"default"`
	// Min and Max bound numbers, sizes and durations; empty means no bound.
	Min string `json:"min,omitempty"`
	Max string `json:"max,omitempty"`
	// Meaning is a sentence with a period.
	Meaning string `json:"meaning"`
	// Secret says that no flag may set it.
	Secret bool `json:"secret,omitempty"`
}

// Keys returns every key in the order of sluice.yaml.
func Keys() []Key {
	meaningOf := meanings()
	var keys []Key
	for _, k := range table().leaves() {
		meaning, _, more := strings.Cut(meaningOf[k.doc], ". ")
		if more {
			meaning += "."
		}
		env := ""
		switch {
		case k.open:
			env = variable(k.key) + "_<SECTION>_<KEY>"
		case !k.inFileOnly():
			env = variable(k.key)
		}
		keys = append(keys, Key{
			Key: k.key, Env: env, Type: k.typeName(), Default: k.tag("default"),
			Min: k.tag("min"), Max: k.tag("max"), Meaning: meaning, Secret: k.item() == reflect.TypeFor[Secret](),
		})
	}
	return keys
}

// keySpec is a row of the table: a section with keys in it, or a leaf with a value. It is read from a field of a struct.
type keySpec struct {
	name, key string
	doc       string // where its doc comment stands, as "Struct.Field"
	field     reflect.StructField
	index     []int // of the field, from Config, from Source or from what a list of sections has
	children  []*keySpec
	repeated  bool // a list of sections, each with the children
	open      bool // a section whose keys others know
	// ofFile is the secret whose file the value names, nil for all others.
	ofFile *keySpec
}

// table returns the tree of all keys, read from the fields of Config.
func table() *keySpec {
	return &keySpec{children: keySpecs(reflect.TypeFor[Config](), "", nil)}
}

func keySpecs(t reflect.Type, prefix string, index []int) []*keySpec {
	var all []*keySpec
	for i := range t.NumField() {
		field := t.Field(i)
		name := field.Tag.Get("yaml")
		if name == "-" {
			continue
		}
		k := &keySpec{name: name, key: prefix + name, doc: t.Name() + "." + field.Name, field: field}
		k.index = append(append(k.index, index...), i)
		switch {
		case field.Type == reflect.TypeFor[Settings]():
			k.open = true
		case field.Anonymous: // Its keys stand beside the others.
			all = append(all, keySpecs(field.Type, prefix, k.index)...)
			continue
		case field.Type.Kind() == reflect.Map:
			each := &keySpec{name: anyNames()[name], key: k.key + "." + anyNames()[name]}
			each.children = keySpecs(field.Type.Elem(), each.key+".", nil)
			k.children = []*keySpec{each}
		case field.Type.Kind() == reflect.Slice && isSection(field.Type.Elem()):
			k.repeated = true
			k.children = keySpecs(field.Type.Elem(), k.key+anyItem+".", nil)
		case isSection(field.Type):
			k.children = keySpecs(field.Type, k.key+".", k.index)
		}
		all = append(all, k)
	}
	return all
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

// inSource reports whether every source has a key of its own of this row.
func (k *keySpec) inSource() bool { return strings.Contains(k.key, anySource) }

// isNamed reports whether the section stands for any number of sections, each with a name that the user chooses.
func (k *keySpec) isNamed() bool { return strings.HasPrefix(k.name, "<") }

// inFileOnly reports whether the key stands where neither variables nor flags reach it: in a list of sections, or in one
// with a name that is not a source's.
func (k *keySpec) inFileOnly() bool {
	return k.open || strings.Contains(k.key, anyItem) || strings.Contains(k.key, anyInstance) ||
		strings.Contains(k.key, anyBot) || strings.Contains(k.key, anyHandler)
}

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
		reflect.TypeFor[Secret]():        "secret",
		reflect.TypeFor[URL]():           "URL",
		reflect.TypeFor[Size]():          "size",
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
