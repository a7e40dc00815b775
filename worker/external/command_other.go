//go:build !linux

package external

import (
	"errors"
	"os/exec"
)

func confine(*exec.Cmd) {}

func end(*exec.Cmd) {}

var errNoBound = errors.New("this system can't bound the memory of a process; leave memory out")

func limitMemory(_ int, bytes int64) error {
	if bytes <= 0 {
		return nil
	}
	return errNoBound
}
