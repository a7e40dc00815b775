package config

import (
	"reflect"
	"strings"

	"sluice.internal/shared/config/internal/layers"
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
	for _, k := range table().Leaves() {
		meaning, _, more := strings.Cut(meaningOf[k.Doc], ". ")
		if more {
			meaning += "."
		}
		env := ""
		switch {
		case k.Open:
			env = layers.Variable(k.Key) + "_<SECTION>_<KEY>"
		case !k.FileOnly:
			env = layers.Variable(k.Key)
		}
		keys = append(keys, Key{
			Key: k.Key, Env: env, Type: k.TypeName(), Default: k.Tag("default"),
			Min: k.Tag("min"), Max: k.Tag("max"), Meaning: meaning, Secret: k.Item() == reflect.TypeFor[Secret](),
		})
	}
	return keys
}

// table returns the tree of all keys, read from the fields of Config.
func table() *layers.Row { return layers.NewTable(reflect.TypeFor[Config](), nameForms()) }

// inSource reports whether every source has a key of its own of this row.
func inSource(k *layers.Row) bool { return strings.Contains(k.Key, anySource) }
