//go:build !linux

package postgrestest

import "syscall"

// killAll kills a process alone: its children see that and end.
func killAll(parent int) error { return syscall.Kill(parent, syscall.SIGKILL) }
