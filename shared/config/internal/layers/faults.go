package layers

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Fault is one thing wrong with the configuration.
type Fault struct {
	// Place is "sluice.yaml:12", a variable's name or a flag; empty when something is missing that no place names.
	Place string `json:"place,omitempty"`
	// Key is the dotted key; empty when the place says it already or the fault concerns no key.
	Key string `json:"key,omitempty"`
	// Message says what is wrong and how to mend it. It holds no secret.
	Message string `json:"message"`

	at Place
}

// String is the fault as one line: place, key and message.
func (f Fault) String() string {
	parts := slices.DeleteFunc([]string{f.Place, f.Key, f.Message}, func(part string) bool { return part == "" })
	return strings.Join(parts, ": ")
}

// Faults is the error that [Load] returns: everything that is wrong, by place.
type Faults []Fault

// Error lists every fault, one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// Place is where a value was written. The zero value is a default's, which was written nowhere.
type Place struct {
	// File and Line are set for a value in a file; Line is 0 for the file as a whole.
	File string
	Line int
	// Variable or Flag is set for the others.
	Variable, Flag string
}

func (p Place) String() string {
	if p.Line > 0 {
		return p.File + ":" + strconv.Itoa(p.Line)
	}
	return cmp.Or(p.File, p.Variable, p.Flag)
}

// rank orders kinds of places as their layers are: file, variables, flags, and last what is written nowhere.
func (p Place) rank() int {
	switch {
	case p.File != "":
		return 0
	case p.Variable != "":
		return 1
	case p.Flag != "":
		return 2
	default:
		return 3
	}
}

// Fault adds what is wrong with a key. The format says it without repeating what may be a secret.
func (l *Loader) Fault(at Place, key, format string, args ...any) {
	l.Faults = append(l.Faults, newFault(at, key, fmt.Sprintf(format, args...)))
}

// Warn adds what works but should be looked at.
func (l *Loader) Warn(at Place, key, format string, args ...any) {
	l.Warnings = append(l.Warnings, newFault(at, key, fmt.Sprintf(format, args...)).String())
}

func newFault(at Place, key, message string) Fault {
	if at.Variable != "" || at.Flag != "" {
		key = "" // the place says it
	}
	return Fault{Place: at.String(), Key: key, Message: message, at: at}
}

// Sort puts faults in the order of their places, layer by layer.
func (f Faults) Sort() {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(
			cmp.Compare(a.at.rank(), b.at.rank()),
			cmp.Compare(a.at.File, b.at.File),
			cmp.Compare(a.at.Line, b.at.Line),
			cmp.Compare(a.Place, b.Place),
			cmp.Compare(a.Key, b.Key),
		)
	})
}
