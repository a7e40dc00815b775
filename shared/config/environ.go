package config

import (
	"slices"
	"strings"
)

const envPrefix = "SLUICE_"

// variable returns the name of the variable that sets the key.
func variable(key string) string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

// known returns every key that can be set from outside of the file, which is where names of sources come from.
func (l *loader) known() map[string]*knob {
	known := map[string]*knob{}
	for _, k := range l.table.leaves() {
		if strings.Contains(k.key, anyItem) {
			continue // A list of sections is written in the file alone.
		}
		if !strings.Contains(k.key, anySource) {
			known[k.key] = k
			continue
		}
		known[keyOf(k, defaultSource)] = k
		for name := range l.named {
			if isSourceName(name) {
				known[keyOf(k, name)] = k
			}
		}
	}
	return known
}

// keyOf returns the knob's key for the source of that name; other knobs have one key only.
func keyOf(k *knob, source string) string {
	return strings.Replace(k.key, anySource, source, 1)
}

// environ reads the layer of the variables.
func (l *loader) environ(known map[string]*knob) map[string]any {
	keys := map[string]string{}
	for key := range known {
		keys[variable(key)] = key // a test holds that no two keys share a variable, whatever sources are called
	}
	layer := map[string]any{}
	for _, entry := range l.Environ {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(l.Variables, name) {
			continue
		}
		at := place{Variable: name}
		if key, ok := keys[name]; ok {
			put(layer, known[key], key, text, at)
		} else {
			l.unknownVariable(at, keys)
		}
	}
	return layer
}

func (l *loader) unknownVariable(at place, keys map[string]string) {
	if l.broken && strings.HasPrefix(at.Variable, variable("sources.")) {
		return // its source may stand in the file that could not be read
	}
	names := slices.Clone(l.Variables)
	for name := range keys {
		names = append(names, name)
	}
	for i, name := range names {
		names[i] = strings.TrimPrefix(name, envPrefix)
	}
	hint := ""
	if name := nearest(strings.TrimPrefix(at.Variable, envPrefix), names); name != "" {
		hint = "; did you mean " + envPrefix + name + "?"
	}
	l.fault(at, "", "unknown variable%s", hint)
}

// flags reads the layer of the command line.
func (l *loader) flags(known map[string]*knob) map[string]any {
	layer := map[string]any{}
	for key, text := range l.Flags {
		at := place{Flag: "--" + key}
		if name := l.FlagNames[key]; name != "" {
			at.Flag = name
		}
		switch k := known[key]; {
		case k == nil:
			l.fault(at, "", "sets %q, which is an unknown key", key)
		case k.isSecret(text):
			l.fault(at, "", "a secret in a flag can be read by everybody on the machine; set %s or a file", variable(key))
		default:
			put(layer, k, key, text, at)
		}
	}
	return layer
}

// put sets the key to a text from outside of the file, where lists are separated by commas and an empty text means
// empty for text, secrets and URLs, but unset for everything else: an empty allow list that opened a source
// because a variable was not filled in would be worse than one that cannot be emptied from the environment.
func put(layer map[string]any, k *knob, key, text string, at place) {
	if text == "" && !k.canBeEmpty() {
		return
	}
	s := setting{Text: text, Place: at}
	if k.isList() {
		for item := range strings.SplitSeq(text, ",") {
			s.Items = append(s.Items, setting{Text: strings.TrimSpace(item), Place: at})
		}
	}
	layer[key] = s
}
