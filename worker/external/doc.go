// Package external hands events to handlers that are no Go: programs that listen for a POST, and commands that are started for
// each event. Their answer is the verdict, as a Go handler's error is.
//
//	external.go  which handlers are configured, and how do they come into a registry?
//	endpoint.go  how is an event posted, and what does the answer mean?
//	command.go   how is a command run, and what does its exit code mean? command_linux.go and command_other.go bound it.
//	describe.go  what is told about an event beside its body?
package external
