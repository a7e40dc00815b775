//go:build !unix

package gateway

import "math"

// maxOpenFiles returns how many files and connections the process may have open. Here that is not bounded.
func maxOpenFiles() int { return math.MaxInt }
