package layers

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// NamesIn returns the names of the sections in a section that were written, in their order.
func (l *Loader) NamesIn(section string) []string {
	var names []string
	for key := range l.NamedAt {
		if name, ok := strings.CutPrefix(key, section+"."); ok && !strings.Contains(name, ".") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// FillNamed sets the fields of a section with a name of its own. Any is its key with what stands for names.
func (l *Loader) FillNamed(target any, anyKey, key string) {
	for _, k := range l.Table.Leaves() {
		if name, ok := strings.CutPrefix(k.Key, anyKey+"."); ok && !strings.Contains(name, ".") {
			l.Fill(reflect.ValueOf(target).Elem(), k, key+"."+name)
		}
	}
}

// itemAt returns the place in a list of sections as it stands in a key.
func itemAt(i int) string { return "[" + strconv.Itoa(i) + "]" }

// FillEach makes a struct of each of a list of sections, which read completes. Any is the list's key with what stands for names.
// A section that is at fault is missing.
func FillEach[T any](l *Loader, list, anyKey string, read func(one *T, key string, at Place) bool) []T {
	var all []T
	for i, at := range l.SectionsAt[list] {
		key := list + itemAt(i)
		var one T
		for _, k := range l.Table.Leaves() {
			if name, ok := strings.CutPrefix(k.Key, anyKey+anyItem); ok {
				l.Fill(reflect.ValueOf(&one).Elem(), k, key+name)
			}
		}
		if read(&one, key, at) {
			all = append(all, one)
		}
	}
	return all
}
