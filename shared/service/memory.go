package service

import (
	"runtime/debug"
	"slices"
	"strings"
)

// gcPercent lets the heap grow to five times what lives before it is collected. Processes here keep a few megabytes
// and allocate hundreds a second, so the default would collect dozens of times a second to save memory that nobody
// misses.
const gcPercent = 400

// TuneMemory trades a little memory for processor time, unless the environment says otherwise with GOGC.
func TuneMemory(environ []string) {
	if !slices.ContainsFunc(environ, func(variable string) bool { return strings.HasPrefix(variable, "GOGC=") }) {
		debug.SetGCPercent(gcPercent)
	}
}
