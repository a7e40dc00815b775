package layers

import (
	"encoding"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"time"

	"sluice.internal/shared/config/internal/value"
)

// anyItem stands for the place in a list of sections.
const anyItem = "[]"

// NameForm is what names of one kind look like.
type NameForm struct {
	// Any stands for a name in a key.
	Any string
	// Pattern is what a name must match, Fault what is wrong with one that does not.
	Pattern *regexp.Regexp
	Fault   string
	// Outside says that variables and flags reach the keys of a section that the file has named.
	Outside bool
}

// Row is a row of the table: a section with keys in it, or a leaf with a value. It is read from a field of a struct.
type Row struct {
	// Key is dotted, with what stands for names and items. Doc is where its doc comment stands, as "Struct.Field".
	Key, Doc string
	name     string
	field    reflect.StructField
	index    []int // of the field, from the struct of the table, or from that of a section with a name or in a list
	children []*Row
	repeated bool     // a list of sections, each with the children
	form     NameForm // of the names that a section stands for
	// Open says that it is a section whose keys others know.
	Open bool
	// FileOnly says that the key stands where neither variables nor flags reach it: in a list of sections, or in one with a
	// name that these do not reach.
	FileOnly bool
	// ofFile is the secret whose file the value names, nil for all others.
	ofFile *Row
}

// NewTable returns the tree of all keys, read from the fields of a struct. Names are the forms of names in sections that have
// them, by the sections' own names.
func NewTable(t reflect.Type, names map[string]NameForm) *Row {
	return &Row{children: rowsOf(t, names, &Row{})}
}

// rowsOf reads the rows below a section. Of a section that stands in others, above has the index of its field in these.
func rowsOf(t reflect.Type, names map[string]NameForm, above *Row) []*Row {
	var all []*Row
	for i := range t.NumField() {
		field := t.Field(i)
		name := field.Tag.Get("yaml")
		if name == "-" {
			continue
		}
		k := &Row{name: name, Key: above.prefix() + name, Doc: t.Name() + "." + field.Name, field: field, FileOnly: above.FileOnly}
		k.index = append(append(k.index, above.index...), i)
		switch {
		case k.Tag("open") != "":
			k.Open, k.FileOnly = true, true
		case field.Anonymous: // Its keys stand beside the others.
			beside := *above
			beside.index = k.index
			all = append(all, rowsOf(field.Type, names, &beside)...)
			continue
		case field.Type.Kind() == reflect.Map:
			form := names[name]
			each := &Row{name: form.Any, Key: k.Key + "." + form.Any, form: form, FileOnly: k.FileOnly || !form.Outside}
			each.children = rowsOf(field.Type.Elem(), names, each)
			k.children = []*Row{each}
		case field.Type.Kind() == reflect.Slice && isSection(field.Type.Elem()):
			k.repeated = true
			k.children = rowsOf(field.Type.Elem(), names, &Row{Key: k.Key + anyItem, FileOnly: true})
		case isSection(field.Type):
			k.children = rowsOf(field.Type, names, k)
		}
		all = append(all, k)
	}
	return all
}

// prefix is what the keys below begin with.
func (k *Row) prefix() string {
	if k.Key == "" {
		return ""
	}
	return k.Key + "."
}

// isSection reports whether the struct holds keys. A struct that is one value can be written as text.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// child returns the key of that name, or the one that stands for every name; nil when there is neither.
func (k *Row) child(name string) *Row {
	for _, child := range k.children {
		if child.name == name || child.isNamed() {
			return child
		}
	}
	return nil
}

// Leaves returns the rows with values, in the order of the struct; that is itself where it has one.
func (k *Row) Leaves() []*Row {
	if len(k.children) == 0 {
		return []*Row{k}
	}
	var all []*Row
	for _, child := range k.children {
		all = append(all, child.Leaves()...)
	}
	return all
}

func (k *Row) names() []string {
	names := make([]string, len(k.children))
	for i, child := range k.children {
		names[i] = child.name
	}
	return names
}

// Tag returns what a tag of the row's field says, "" without it.
func (k *Row) Tag(name string) string {
	return k.field.Tag.Get(name)
}

// isNamed reports whether the section stands for any number of sections, each with a name that the user chooses.
func (k *Row) isNamed() bool { return k.form.Pattern != nil }

// choices returns what a value must be one of; none means anything of its type.
func (k *Row) choices() []string { return k.split("enum") }

// split returns the values of a tag that has several, separated by commas.
func (k *Row) split(tag string) []string {
	if text := k.Tag(tag); text != "" {
		return strings.Split(text, ",")
	}
	return nil
}

func (k *Row) isList() bool {
	return k.field.Type.Kind() == reflect.Slice
}

// Item returns the type of the value, or of the values in the list.
func (k *Row) Item() reflect.Type {
	if k.isList() {
		return k.field.Type.Elem()
	}
	return k.field.Type
}

// TypeName says in a few words what a value looks like.
func (k *Row) TypeName() string {
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
	}[k.Item()]
	switch {
	case k.Open:
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
