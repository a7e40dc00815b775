// Package bench measures Sluice: how many notifications it stores in a second, how long each takes, and what that
// costs in processor time and memory.
//
// [Load] sends to a Sluice that is running and looks in the stream for everything that was answered 200. [Table]
// measures all parts of Sluice side by side, each as a process of its own, together with what limits them and with
// what is usually written instead. The load generator is the package loadgen.
//
// A table is made in these steps, and each has its file:
//
//	bench.go               sends to a gateway that runs, and looks for everything that was answered
//	table.go               what can be asked for, and the loop over rounds and rows
//	rows.go                which rows there are: what is measured, with how many connections, workers, parked events
//	runner.go              one row, measured once: chooses the measurement and keeps what all of them have in common
//	setup.go               a fresh folder, store and processes for that row, and their end
//	process.go             a part of Sluice in a process of its own, seen by the table
//	subprocess.go          the same, seen by the process: what it is told and what it answers
//	serve.go               its servers: NATS, the gateway, and what the gateway is compared with
//	worker.go              its workers, with handlers that do nothing but wait
//	workers.go             several workers of one row and what they have reported
//	backlog.go             fills the lanes with events and with parked ones
//	handlers.go            measures handlers, in order, beside parked events, and after a kill
//	end_to_end.go          measures intake alone, and everything from the request to the handler
//	figures.go             the columns, and medians over rounds
//	expectations.go        what the figures of senders should be
//	worker_expectations.go what the figures of workers should be
//	report.go              the table as text
//
// A measurement tells nothing about a machine that does other things meanwhile. So the table says how much of the
// processors other programs used, and how long a synced write took.
package bench
