package config

import (
	"slices"
	"strings"
)

const envPrefix = "SLUICE_"

// Lookup returns the value of the variable in an environment as os.Environ returns it, empty when it is not set. Of several
// the last counts, as for exec.
func Lookup(environ []string, name string) string {
	for _, entry := range slices.Backward(environ) {
		if value, found := strings.CutPrefix(entry, name+"="); found {
			return value
		}
	}
	return ""
}

// variable returns the name of the variable that sets the key.
func variable(key string) string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

// fromEnviron reads the layer of the variables.
func (l *layered) fromEnviron(known map[string]*keySpec) layer {
	keys := map[string]string{}
	for key := range known {
		keys[variable(key)] = key // a test holds that no two keys share a variable, whatever sources are called
	}
	values := layer{}
	for _, entry := range l.environ {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(l.variables, name) {
			continue
		}
		at := place{Variable: name}
		switch key, ok := keys[name]; {
		case ok:
			values.put(known[key], key, text, at)
		case l.isOpen(name): // Who reads the section knows.
		default:
			l.unknownVariable(at, keys)
		}
	}
	return values
}

// isOpen reports whether the variable sets a key in a section whose keys others know.
func (l *layered) isOpen(name string) bool {
	return slices.ContainsFunc(l.table.leaves(), func(k *keySpec) bool { return k.open && strings.HasPrefix(name, variable(k.key)+"_") })
}

// mayBeNamed reports whether the variable sets a key in a section that a file has to name.
func (l *layered) mayBeNamed(name string) bool {
	return slices.ContainsFunc(l.table.children, func(k *keySpec) bool {
		return len(k.children) == 1 && k.children[0].form.outside && strings.HasPrefix(name, variable(k.key+"."))
	})
}

func (l *layered) unknownVariable(at place, keys map[string]string) {
	if l.broken && l.mayBeNamed(at.Variable) {
		return // its section may stand in the file that could not be read
	}
	names := slices.Clone(l.variables)
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

// fromFlags reads the layer of the command line.
func (l *layered) fromFlags(known map[string]*keySpec) layer {
	values := layer{}
	for key, text := range l.flags {
		at := place{Flag: "--" + key}
		if name := l.flagNames[key]; name != "" {
			at.Flag = name
		}
		switch k := known[key]; {
		case k == nil:
			l.fault(at, "", "sets %q, which is an unknown key", key)
		case k.isSecret(text):
			l.fault(at, "", "a secret in a flag can be read by everybody on the machine; set %s or a file", variable(key))
		default:
			values.put(k, key, text, at)
		}
	}
	return values
}

// put sets the key to a text from outside of the file, where lists are separated by commas and an empty text means
// empty for text, secrets and URLs, but unset for everything else: an empty allow list that opened a source
// because a variable was not filled in would be worse than one that cannot be emptied from the environment.
func (l layer) put(k *keySpec, key, text string, at place) {
	if text == "" && !k.canBeEmpty() {
		return
	}
	s := setting{text: text, place: at}
	if k.isList() {
		for item := range strings.SplitSeq(text, ",") {
			s.items = append(s.items, setting{text: strings.TrimSpace(item), place: at})
		}
	}
	l[key] = s
}
