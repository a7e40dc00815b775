// The worker makes events of stored notifications and hands them to the handlers of their types.
//
// This is the process around package worker: flags, configuration, one connection to NATS. Any number of them may run; those
// of one group share its events, and whoever comes first has a shard or trims the streams. A program with handlers of its own
// is the same with a function in place of nil.
package main

import "sluice.internal/worker"

func main() { worker.Main(nil) }
