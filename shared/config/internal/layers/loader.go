package layers

import (
	"path/filepath"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// Origin says where values come from: a file, variables over it, flags over those.
type Origin struct {
	// File is the path of the file; empty means UsualFile if it exists and else none.
	File, UsualFile string
	// Environ is as os.Environ returns it, Variables are names in it that others read.
	Environ, Variables []string
	// Flags are values by dotted key, FlagNames how the flags are called that set them.
	Flags, FlagNames map[string]string
}

// Loader is what the layers say about the keys of a table. Its methods collect faults instead of returning errors, so that all
// are reported at once.
type Loader struct {
	Origin

	// Table has all keys that there are.
	Table *Row
	// Values are what the keys were set to: the file, with the variables over it, with the flags over those.
	Values Layer
	// Outer are the sections with names whose keys variables reach, with the lines they start on, by name; also those with
	// faults in them.
	Outer map[string]Place
	// NamedAt are the places of the other sections with names of their own, by the key of each.
	NamedAt map[string]Place
	// opened are the sections of the file whose keys others know, by the key of each.
	opened map[string]*yaml.Node
	// SectionsAt are the places of the sections in each list of them, by the list's key.
	SectionsAt map[string][]Place
	// Broken says that there may be more in the file than could be read, so that what is missing is no fault.
	Broken bool

	// Faults are what is wrong so far, Warnings what works but should be looked at, one sentence each with its place.
	Faults   Faults
	Warnings []string
	// private are the files with secrets whose modes have been looked at.
	private map[string]bool
}

// New returns a loader that has read nothing yet.
func New(t *Row, from Origin) *Loader {
	return &Loader{
		Origin: from, Table: t, Values: Layer{}, Outer: map[string]Place{}, NamedAt: map[string]Place{}, opened: map[string]*yaml.Node{},
		SectionsAt: map[string][]Place{}, private: map[string]bool{},
	}
}

// Layer is what one of file, variables and flags sets, by dotted key.
type Layer map[string]Setting

// Setting is a value as it was written, and where.
type Setting struct {
	// Text is what was written; a list has items instead.
	Text  string
	items []Setting
	Place Place
}

// Path returns the text as a path, for use in this process's working directory.
func (s Setting) Path() string {
	if s.Text == "" || filepath.IsAbs(s.Text) {
		return s.Text
	}
	return filepath.Join(filepath.Dir(s.Place.File), s.Text)
}

// lookup returns what the key was set to, or else its default; false when it has neither.
func (l *Loader) lookup(k *Row, key string) (Setting, bool) {
	if s, ok := l.Values[key]; ok {
		return s, true
	}
	text := k.Tag("default")
	return Setting{Text: text}, text != ""
}

// Items returns what a key without a default was set to: any number of values for a list, else one or none.
func (l *Loader) Items(key string) []Setting {
	s, ok := l.Values[key]
	switch {
	case !ok:
		return nil
	case s.items != nil:
		return s.items
	default:
		return []Setting{s}
	}
}

// At returns where the key was set; the zero place when it was not.
func (l *Loader) At(key string) Place {
	return l.Values[key].Place
}

// Fill sets the key's field in the struct to what the key was set to, and makes all checks that stand in the table. A
// field with a fault keeps its zero value.
func (l *Loader) Fill(target reflect.Value, k *Row, key string) {
	l.checkBeside(k, key)
	s, ok := l.lookup(k, key)
	if !ok {
		return
	}
	field := target.FieldByIndex(k.index)
	if !k.isList() {
		l.fillValue(field, k, key, s)
		return
	}
	list := reflect.MakeSlice(field.Type(), len(s.items), len(s.items))
	for i, item := range s.items {
		l.fillValue(list.Index(i), k, key, item)
	}
	field.Set(list)
}

func (l *Loader) fillValue(v reflect.Value, k *Row, key string, s Setting) {
	text := s.Text
	if k.isPath() {
		text = s.Path()
	}
	if err := k.set(v, text); err != nil {
		l.Fault(s.Place, key, "%s", err)
		return
	}
	l.checkFile(k, key, s)
	l.checkPrivate(k, key, s)
}
