package config

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

	at place
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

// place is where a value was written. The zero value is a default's, which was written nowhere.
type place struct {
	// File and Line are set for a value in a file; Line is 0 for the file as a whole.
	File string
	Line int
	// Variable or Flag is set for the others.
	Variable, Flag string
}

func (p place) String() string {
	if p.Line > 0 {
		return p.File + ":" + strconv.Itoa(p.Line)
	}
	return cmp.Or(p.File, p.Variable, p.Flag)
}

// rank orders kinds of places as their layers are: file, variables, flags, and last what is written nowhere.
func (p place) rank() int {
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

func (l *layered) fault(at place, key, format string, args ...any) {
	l.faults = append(l.faults, newFault(at, key, fmt.Sprintf(format, args...)))
}

func (l *layered) warn(at place, key, format string, args ...any) {
	l.warnings = append(l.warnings, newFault(at, key, fmt.Sprintf(format, args...)).String())
}

func newFault(at place, key, message string) Fault {
	if at.Variable != "" || at.Flag != "" {
		key = "" // the place says it
	}
	return Fault{Place: at.String(), Key: key, Message: message, at: at}
}

func (f Faults) sort() {
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
