package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// namesIn returns the names of the sections in a section that were written, in their order.
func (l *layered) namesIn(section string) []string {
	var names []string
	for key := range l.namedAt {
		if name, ok := strings.CutPrefix(key, section+"."); ok && !strings.Contains(name, ".") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// fillNamed sets the fields of a section with a name of its own. Any is its key with what stands for names.
func (l *layered) fillNamed(target any, anyKey, key string) {
	for _, k := range l.table.leaves() {
		if name, ok := strings.CutPrefix(k.key, anyKey+"."); ok && !strings.Contains(name, ".") {
			l.fill(reflect.ValueOf(target).Elem(), k, key+"."+name)
		}
	}
}

// itemAt returns the place in a list of sections as it stands in a key.
func itemAt(i int) string { return "[" + strconv.Itoa(i) + "]" }

// fillEach makes a struct of each of a list of sections, which read completes. Any is the list's key with what stands for names.
// A section that is at fault is missing.
func fillEach[T any](l *layered, list, anyKey string, read func(one *T, key string, at place) bool) []T {
	var all []T
	for i, at := range l.sectionsAt[list] {
		key := list + itemAt(i)
		var one T
		for _, k := range l.table.leaves() {
			if name, ok := strings.CutPrefix(k.key, anyKey+anyItem); ok {
				l.fill(reflect.ValueOf(&one).Elem(), k, key+name)
			}
		}
		if read(&one, key, at) {
			all = append(all, one)
		}
	}
	return all
}
