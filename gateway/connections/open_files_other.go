//go:build !unix

package connections

import "math"

// MaxOpenFiles returns how many files and connections the process may have open. Here that is not bounded.
func MaxOpenFiles() int { return math.MaxInt }
