package service

import "os"

// Exit runs the command as the program of this process, with its arguments, variables and streams, and ends the process with
// the exit code. It does not return.
func (c Command) Exit() {
	os.Exit(c.Main(Process{
		Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr,
		Abort: func() { os.Exit(ExitFailed) },
	}))
}
