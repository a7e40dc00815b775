package layers

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

// Variable returns the name of the variable that sets the key.
func Variable(key string) string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

// FromEnviron reads the layer of the variables.
func (l *Loader) FromEnviron(known map[string]*Row) Layer {
	keys := map[string]string{}
	for key := range known {
		keys[Variable(key)] = key // a test holds that no two keys share a variable, whatever sources are called
	}
	values := Layer{}
	for _, entry := range l.Environ {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(l.Variables, name) {
			continue
		}
		at := Place{Variable: name}
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
func (l *Loader) isOpen(name string) bool {
	return slices.ContainsFunc(l.Table.Leaves(), func(k *Row) bool { return k.Open && strings.HasPrefix(name, Variable(k.Key)+"_") })
}

// mayBeNamed reports whether the variable sets a key in a section that a file has to name.
func (l *Loader) mayBeNamed(name string) bool {
	return slices.ContainsFunc(l.Table.children, func(k *Row) bool {
		return len(k.children) == 1 && k.children[0].form.Outside && strings.HasPrefix(name, Variable(k.Key+"."))
	})
}

func (l *Loader) unknownVariable(at Place, keys map[string]string) {
	if l.Broken && l.mayBeNamed(at.Variable) {
		return // its section may stand in the file that could not be read
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
	l.Fault(at, "", "unknown variable%s", hint)
}

// FromFlags reads the layer of the command line.
func (l *Loader) FromFlags(known map[string]*Row) Layer {
	values := Layer{}
	for key, text := range l.Flags {
		at := Place{Flag: "--" + key}
		if name := l.FlagNames[key]; name != "" {
			at.Flag = name
		}
		switch k := known[key]; {
		case k == nil:
			l.Fault(at, "", "sets %q, which is an unknown key", key)
		case k.isSecret(text):
			l.Fault(at, "", "a secret in a flag can be read by everybody on the machine; set %s or a file", Variable(key))
		default:
			values.put(k, key, text, at)
		}
	}
	return values
}

// put sets the key to a text from outside of the file, where lists are separated by commas and an empty text means
// empty for text, secrets and URLs, but unset for everything else: an empty allow list that opened a source
// because a variable was not filled in would be worse than one that cannot be emptied from the environment.
func (l Layer) put(k *Row, key, text string, at Place) {
	if text == "" && !k.canBeEmpty() {
		return
	}
	s := Setting{Text: text, Place: at}
	if k.isList() {
		for item := range strings.SplitSeq(text, ",") {
			s.items = append(s.items, Setting{Text: strings.TrimSpace(item), Place: at})
		}
	}
	l[key] = s
}
