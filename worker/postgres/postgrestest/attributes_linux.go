package postgrestest

import "syscall"

// attributes end the server with the tests, also when these are killed.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT} }
