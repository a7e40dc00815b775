package config

import (
	_ "embed" // for the doc comments
	"encoding"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"reflect"
	"strings"
	"time"
)

// anySource stands for the name of a source in a key, anyItem for the place in a list of sections.
const (
	anySource = "<source>"
	anyItem   = "[]"
)

// Key is one knob, for the README and for people who ask the command line.
type Key struct {
	// Key is dotted, with "<source>" for the name of any source.
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
	// Secret tells that no flag may set it.
	Secret bool `json:"secret,omitempty"`
}

// Keys returns every knob in the order of sluice.yaml.
func Keys() []Key {
	meanings := docComments()
	var keys []Key
	for _, k := range table().leaves() {
		meaning, _, more := strings.Cut(meanings[k.doc], ". ")
		if more {
			meaning += "."
		}
		env := ""
		if !strings.Contains(k.key, anyItem) {
			env = variable(k.key)
		}
		keys = append(keys, Key{
			Key: k.key, Env: env, Type: k.typeName(), Default: k.tag("default"),
			Min: k.tag("min"), Max: k.tag("max"), Meaning: meaning, Secret: k.item() == reflect.TypeFor[Secret](),
		})
	}
	return keys
}

// knob is a key of sluice.yaml: a section with knobs in it, or a leaf with a value.
type knob struct {
	name, key string
	doc       string // where its doc comment stands, as "Struct.Field"
	field     reflect.StructField
	index     []int   // of the field, from Config, from sourceKnobs or from what a list of sections has
	children  []*knob // of a section, or of each section in a list
	repeated  bool    // a list of sections
}

// table is the tree of all knobs.
func table() *knob {
	return &knob{children: knobs(reflect.TypeFor[Config](), "", nil)}
}

func knobs(t reflect.Type, prefix string, index []int) []*knob {
	var all []*knob
	for i := range t.NumField() {
		field := t.Field(i)
		name := field.Tag.Get("yaml")
		if name == "-" {
			continue
		}
		k := &knob{name: name, key: prefix + name, doc: t.Name() + "." + field.Name, field: field}
		k.index = append(append(k.index, index...), i)
		switch {
		case field.Type.Kind() == reflect.Map:
			each := &knob{name: anySource, key: k.key + "." + anySource}
			each.children = knobs(reflect.TypeFor[sourceKnobs](), each.key+".", nil)
			k.children = []*knob{each}
		case field.Type.Kind() == reflect.Slice && isSection(field.Type.Elem()):
			k.repeated = true
			k.children = knobs(field.Type.Elem(), k.key+anyItem+".", nil)
		case isSection(field.Type):
			k.children = knobs(field.Type, k.key+".", k.index)
		}
		all = append(all, k)
	}
	return all
}

// isSection tells structs that hold knobs from structs that are one value; the latter can all be written as text.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// child returns the knob of that name, or the one that stands for every name; nil when there is neither.
func (k *knob) child(name string) *knob {
	for _, child := range k.children {
		if child.name == name || child.name == anySource {
			return child
		}
	}
	return nil
}

func (k *knob) leaves() []*knob {
	if len(k.children) == 0 {
		return []*knob{k}
	}
	var all []*knob
	for _, child := range k.children {
		all = append(all, child.leaves()...)
	}
	return all
}

func (k *knob) names() []string {
	names := make([]string, len(k.children))
	for i, child := range k.children {
		names[i] = child.name
	}
	return names
}

func (k *knob) tag(name string) string {
	return k.field.Tag.Get(name)
}

// choices returns what a value must be one of; none means anything of its type.
func (k *knob) choices() []string {
	if enum := k.tag("enum"); enum != "" {
		return strings.Split(enum, ",")
	}
	return nil
}

func (k *knob) isList() bool {
	return k.field.Type.Kind() == reflect.Slice
}

// item is the type of the value, or of the values in the list.
func (k *knob) item() reflect.Type {
	if k.isList() {
		return k.field.Type.Elem()
	}
	return k.field.Type
}

func (k *knob) typeName() string {
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
	case len(k.choices()) > 0:
		return strings.Join(k.choices(), ", ")
	case k.tag("file") != "":
		name = "path"
	}
	if k.isList() {
		return "list: " + name
	}
	return name
}

//go:embed config.go
var structs string

//go:embed sourceknobs.go
var structsOfSources string

// docComments returns the doc comments of the fields in config.go and sourceknobs.go, in one line each, by
// "Struct.Field". They are read from the source so that a meaning is not written twice.
func docComments() map[string]string {
	comments := map[string]string{}
	for _, text := range []string{structs, structsOfSources} {
		file, err := parser.ParseFile(token.NewFileSet(), "", text, parser.ParseComments)
		if err != nil {
			panic(err) // it has been compiled
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if spec, ok := node.(*ast.TypeSpec); ok {
				for _, field := range spec.Type.(*ast.StructType).Fields.List {
					comments[spec.Name.Name+"."+field.Names[0].Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
				}
			}
			return true
		})
	}
	return comments
}
