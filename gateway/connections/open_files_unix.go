//go:build unix

package connections

import (
	"math"
	"syscall"
)

// MaxOpenFiles returns how many files and connections the process may have open. The runtime has raised the limit to the
// highest that is allowed when it started.
func MaxOpenFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return int(min(uint64(limit.Cur), math.MaxInt)) //nolint:unconvert // It is signed on some systems.
}
