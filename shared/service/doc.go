// Package service has what every process of Sluice needs around its work. It knows nothing of notifications, and nothing
// but a main may know the process: arguments, environment and writers are handed over in [Process].
//
// A main is a [Command]: flags, how the configuration is read, and the work. From there on:
//
//	command.go      flags and configuration; exit codes; then Start: logger, warnings, signals, the work
//	program.go       a command as the program of this process
//	signals.go      the first signal ends the work's context, the second the process
//	group.go        parts that start in order and stop in reverse order, each after the one behind it
//	admin.go        /healthz and /readyz on a listener of their own
//	health_check.go asks these, for containers that have no program to ask with
//	logger.go       slog as text for people and as JSON for machines
//	terminal.go     whether a person reads along, and JSON that does no harm to a terminal
//	personal.go     what a log shows in place of chat ids and phone numbers
//	condition.go    one log line when something breaks, and one when it works again
//	memory.go       the memory limit of the process, and the runtime's share of it
//	collector.go    how far the heap may grow between two collections
//	sleep.go        a wait that heeds its context
//	version.go      the version that the program was built as
package service
