package config

import (
	"reflect"
	"strings"
)

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
		case !k.fileOnly:
			env = variable(k.key)
		}
		keys = append(keys, Key{
			Key: k.key, Env: env, Type: k.typeName(), Default: k.tag("default"),
			Min: k.tag("min"), Max: k.tag("max"), Meaning: meaning, Secret: k.item() == reflect.TypeFor[Secret](),
		})
	}
	return keys
}

// table returns the tree of all keys, read from the fields of Config.
func table() *keySpec { return newTable(reflect.TypeFor[Config](), nameForms()) }

// inSource reports whether every source has a key of its own of this row.
func inSource(k *keySpec) bool { return strings.Contains(k.key, anySource) }
