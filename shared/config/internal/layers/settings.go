package layers

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"sluice.internal/shared/config/internal/value"
)

// Settings are what handlers of one's own are told: sections of sluice.yaml, and variables over them, that nobody knows but
// the program whose they are. The zero value has none.
type Settings struct {
	state *settings
}

// settings is what was written of them, and what was read.
type settings struct {
	path     string     // of the file
	node     *yaml.Node // the section in it, nil without
	environ  []string   // the variables below SLUICE_SETTINGS_
	sections map[string]bool
}

const (
	settingsKey = "settings"
	// fileSuffix is what a secret's key has behind it when it names the file that the secret is in.
	fileSuffix = "_file"
)

// sectionName is what a section of the settings may be called, so that variables can name it.
var sectionName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Read reads one section into a struct, to which target points, by the same rules and tags as the rest of the configuration:
//
//	var settings struct {
//		DatabaseURL config.Secret `yaml:"database_url" required:"true"`
//		Timeout     time.Duration `yaml:"timeout" default:"5s" min:"1ms"`
//	}
//
// is set by settings.orders.timeout in sluice.yaml, and over that by the variable SLUICE_SETTINGS_ORDERS_TIMEOUT. A secret may
// also be in a file: settings.orders.database_url_file names it. A field without a yaml tag is left alone. Fields are texts,
// numbers, bools, times and durations, the types of package config, lists of these, and structs of all of them. The tag required
// asks for a value.
//
// The error is [Faults] with everything that is wrong, each with its file and line or its variable. It repeats no secret. A
// target that is no such struct is an error as well.
func (s Settings) Read(section string, target any) error {
	value := reflect.ValueOf(target)
	if value.Kind() != reflect.Pointer || value.IsNil() || value.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("read settings.%s: the target is %T, want a pointer to a struct", section, target)
	}
	if !sectionName.MatchString(section) {
		return fmt.Errorf("read settings: %q is no name of a section: it starts with a letter, has lower-case letters, digits and dashes, "+
			"and at most 32 of them", section)
	}
	prefix := settingsKey + "." + section
	rows := &Row{name: section, Key: prefix}
	var err error
	if rows.children, err = settingsRows(value.Elem().Type(), prefix+".", nil); err != nil {
		return fmt.Errorf("read settings.%s: %w", section, err)
	}
	l := New(&Row{children: []*Row{rows}}, Origin{})
	s.layers(l, rows, section)
	for _, k := range rows.Leaves() {
		if k.ofFile == nil {
			l.fillOwn(value.Elem(), k)
		}
	}
	if len(l.Faults) > 0 {
		l.Faults.Sort()
		return l.Faults
	}
	return nil
}

// layers reads what the file and the variables set of a section.
func (s Settings) layers(l *Loader, rows *Row, section string) {
	if s.state == nil {
		return
	}
	s.state.sections[section] = true
	r := &reader{Loader: l, path: s.state.path}
	for name, value := range s.state.pairs() {
		if resolved(name).Value == section && !isNull(value) {
			r.section(value, rows, rows.Key, l.Values)
		}
	}
	keys := map[string]*Row{}
	for _, k := range rows.Leaves() {
		keys[Variable(k.Key)] = k
	}
	for _, entry := range s.state.environ {
		name, text, _ := strings.Cut(entry, "=")
		switch k := keys[name]; {
		case k != nil:
			l.Values.put(k, k.Key, text, Place{Variable: name})
		case s.state.owner(name) == section:
			l.unknownVariable(Place{Variable: name}, keyNames(keys))
		}
	}
}

func keyNames(keys map[string]*Row) map[string]string {
	names := make(map[string]string, len(keys))
	for name, k := range keys {
		names[name] = k.Key
	}
	return names
}

// pairs returns the names and values in the file.
func (s *settings) pairs() func(yield func(name, value *yaml.Node) bool) {
	return func(yield func(name, value *yaml.Node) bool) {
		if s.node == nil {
			return
		}
		for i := 0; i+1 < len(s.node.Content); i += 2 {
			if !yield(s.node.Content[i], s.node.Content[i+1]) {
				return
			}
		}
	}
}

// owner returns the section that a variable belongs to: of those that were read, the one with the longest name that the
// variable begins with.
func (s *settings) owner(name string) string {
	longest := ""
	for section := range s.sections {
		if strings.HasPrefix(name, Variable(settingsKey+"."+section)+"_") && len(section) > len(longest) {
			longest = section
		}
	}
	return longest
}

// MarshalText returns the names of the sections and variables that were written. What they say may be a secret: only whoever
// reads a section knows.
func (s Settings) MarshalText() ([]byte, error) {
	if s.state == nil {
		return nil, nil
	}
	var names []string
	for name := range s.state.pairs() {
		names = append(names, resolved(name).Value)
	}
	for _, entry := range s.state.environ {
		name, _, _ := strings.Cut(entry, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	return []byte(strings.Join(names, ", ")), nil
}

// CheckAllRead returns [Faults] with every section and variable that nobody has read: a mistake in its name, or a handler
// that is not there any more. It is for programs that read settings, when they have read theirs.
func (s Settings) CheckAllRead() error {
	if s.state == nil {
		return nil
	}
	known := slices.Sorted(maps.Keys(s.state.sections))
	var faults Faults
	for name := range s.state.pairs() {
		if section := resolved(name).Value; !s.state.sections[section] {
			at := Place{File: s.state.path, Line: name.Line}
			faults = append(faults, newFault(at, settingsKey+"."+section, "no handler of this program reads it"+Hint(section, known)))
		}
	}
	for _, entry := range s.state.environ {
		if name, _, _ := strings.Cut(entry, "="); s.state.owner(name) == "" {
			faults = append(faults, newFault(Place{Variable: name}, "", "no handler of this program reads it"))
		}
	}
	if len(faults) == 0 {
		return nil
	}
	faults.Sort()
	return faults
}

// ReadSettings notes what the file has of settings, and what the variables have.
func (l *Loader) ReadSettings() Settings {
	state := &settings{path: cmp.Or(l.File, l.UsualFile), node: l.opened[settingsKey], sections: map[string]bool{}}
	for _, entry := range l.Environ {
		if isSettingsVariable(entry) {
			state.environ = append(state.environ, entry)
		}
	}
	if state.node == nil && len(state.environ) == 0 {
		return Settings{}
	}
	return Settings{state}
}

func isSettingsVariable(name string) bool { return strings.HasPrefix(name, Variable(settingsKey)+"_") }

// settingsRows reads the rows of a section from a struct that is not ours, so that what does not fit is an error. Each secret
// gets a second row, for the file that it is in.
func settingsRows(t reflect.Type, prefix string, index []int) ([]*Row, error) {
	var all []*Row
	for i := range t.NumField() {
		field := t.Field(i)
		name := field.Tag.Get("yaml")
		if name == "-" || name == "" && !field.Anonymous {
			continue
		}
		k := &Row{name: name, Key: prefix + name, Doc: t.Name() + "." + field.Name, field: field, index: append(slices.Clone(index), i)}
		var err error
		switch {
		case !field.IsExported():
			return nil, fmt.Errorf("the field %s has a yaml tag and is not exported", field.Name)
		case field.Anonymous && isSection(field.Type):
			var beside []*Row
			beside, err = settingsRows(field.Type, prefix, k.index)
			all = append(all, beside...)
			k = nil
		case isSection(field.Type):
			k.children, err = settingsRows(field.Type, k.Key+".", k.index)
		default:
			err = k.checkOwn()
		}
		if err != nil {
			return nil, err
		}
		if k == nil {
			continue
		}
		all = append(all, k)
		if field.Type == reflect.TypeFor[value.Secret]() {
			all = append(all, &Row{
				name: name + fileSuffix, Key: k.Key + fileSuffix, ofFile: k,
				field: reflect.StructField{Name: field.Name, Type: reflect.TypeFor[string](), Tag: `file:"content"`},
			})
		}
	}
	return all, nil
}

// checkOwn checks what tests check of the rows that are ours: a type that a key can have, and bounds and defaults that are
// values.
func (k *Row) checkOwn() (err error) {
	if !value.Is(reflect.New(k.Item()).Interface()) {
		return fmt.Errorf("the field %s is a %s, which no key can be; a text, number, bool, time, duration or type of package config can",
			k.field.Name, k.field.Type)
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the tags of the field %s: %v", k.field.Name, cause)
		}
	}()
	if text := k.Tag("default"); text != "" && !k.isList() {
		if err := k.set(reflect.New(k.Item()).Elem(), text); err != nil {
			return fmt.Errorf("the default of the field %s: %w", k.field.Name, err)
		}
	}
	return nil
}

// fillOwn sets a field of a struct that is not ours. A secret comes from its file where one is named.
func (l *Loader) fillOwn(target reflect.Value, k *Row) {
	fileKey := k.Key + fileSuffix
	switch file, inFile := l.Values[fileKey]; {
	case k.Item() != reflect.TypeFor[value.Secret](), !inFile, file.Text == "":
		l.Fill(target, k, k.Key)
	case l.IsSet(k.Key):
		l.Fault(file.Place, fileKey, "can't be set together with %s (%s)", k.Key, l.Placed(k.Key))
		return
	default:
		l.fillFromFile(target.FieldByIndex(k.index), fileKey, file)
	}
	if k.Tag("required") == "true" && target.FieldByIndex(k.index).IsZero() && !l.hasFault(k.Key) {
		also := ""
		if k.Item() == reflect.TypeFor[value.Secret]() {
			also = ", or " + fileKey + " to the file that it is in"
		}
		l.Fault(l.At(k.Key), k.Key, "is missing; set it here or by the variable %s%s", Variable(k.Key), also)
	}
}

func (l *Loader) fillFromFile(field reflect.Value, fileKey string, file Setting) {
	l.checkPrivate(&Row{field: reflect.StructField{Type: reflect.TypeFor[string](), Tag: `file:"content"`}}, fileKey, file)
	text, err := os.ReadFile(file.Path())
	switch {
	case err != nil:
		l.Fault(file.Place, fileKey, "%q: %s", file.Path(), Unreadable(err))
	case strings.TrimSpace(string(text)) == "":
		l.Fault(file.Place, fileKey, "%q is empty", file.Path())
	default:
		field.Set(reflect.ValueOf(value.NewSecret(strings.TrimSpace(strings.TrimPrefix(string(text), ByteOrderMark)))))
	}
}

// hasFault reports whether something is wrong with the key already, or with the file that it is in.
func (l *Loader) hasFault(key string) bool {
	return slices.ContainsFunc(l.Faults, func(f Fault) bool {
		at := f.at.Variable
		return f.Key == key || f.Key == key+fileSuffix || at != "" && (at == Variable(key) || at == Variable(key+fileSuffix))
	})
}
