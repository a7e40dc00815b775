//go:build !linux

package postgrestest

import "syscall"

// attributes are those of any process: other systems can't tie the server's end to that of the tests.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
