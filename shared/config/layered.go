package config

import (
	"path/filepath"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// origin says where values come from: a file, variables over it, flags over those.
type origin struct {
	// file is the path of the file; empty means usualFile if it exists and else none.
	file, usualFile string
	// environ is as os.Environ returns it, variables are names in it that others read.
	environ, variables []string
	// flags are values by dotted key, flagNames how the flags are called that set them.
	flags, flagNames map[string]string
}

// layered is what the layers say about the keys of a table. Its methods collect faults instead of returning errors, so that all
// are reported at once.
type layered struct {
	origin

	table *keySpec
	// values are what the keys were set to: the file, with the variables over it, with the flags over those.
	values layer
	// outer are the sections with names whose keys variables reach, with the lines they start on, by name; also those with
	// faults in them.
	outer map[string]place
	// namedAt are the places of the other sections with names of their own, by the key of each.
	namedAt map[string]place
	// opened are the sections of the file whose keys others know, by the key of each.
	opened map[string]*yaml.Node
	// sectionsAt are the places of the sections in each list of them, by the list's key.
	sectionsAt map[string][]place
	// broken says that there may be more in the file than could be read, so that what is missing is no fault.
	broken bool

	faults   Faults
	warnings []string
	// private are the files with secrets whose modes have been looked at.
	private map[string]bool
}

func newLayered(t *keySpec, from origin) *layered {
	return &layered{
		origin: from, table: t, values: layer{}, outer: map[string]place{}, namedAt: map[string]place{}, opened: map[string]*yaml.Node{},
		sectionsAt: map[string][]place{}, private: map[string]bool{},
	}
}

// layer is what one of file, variables and flags sets, by dotted key.
type layer map[string]setting

// setting is a value as it was written, and where.
type setting struct {
	text  string
	items []setting // of a list, instead of text
	place place
}

// path returns the text as a path, for use in this process's working directory.
func (s setting) path() string {
	if s.text == "" || filepath.IsAbs(s.text) {
		return s.text
	}
	return filepath.Join(filepath.Dir(s.place.File), s.text)
}

// lookup returns what the key was set to, or else its default; false when it has neither.
func (l *layered) lookup(k *keySpec, key string) (setting, bool) {
	if s, ok := l.values[key]; ok {
		return s, true
	}
	text := k.tag("default")
	return setting{text: text}, text != ""
}

// items returns what a key without a default was set to: any number of values for a list, else one or none.
func (l *layered) items(key string) []setting {
	s, ok := l.values[key]
	switch {
	case !ok:
		return nil
	case s.items != nil:
		return s.items
	default:
		return []setting{s}
	}
}

// at returns where the key was set; the zero place when it was not.
func (l *layered) at(key string) place {
	return l.values[key].place
}

// fill sets the key's field in the struct to what the key was set to, and makes all checks that stand in the table. A
// field with a fault keeps its zero value.
func (l *layered) fill(target reflect.Value, k *keySpec, key string) {
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

func (l *layered) fillValue(v reflect.Value, k *keySpec, key string, s setting) {
	text := s.text
	if k.isPath() {
		text = s.path()
	}
	if err := k.set(v, text); err != nil {
		l.fault(s.place, key, "%s", err)
		return
	}
	l.checkFile(k, key, s)
	l.checkPrivate(k, key, s)
}
