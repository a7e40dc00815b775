// Package intake makes events of notifications: the first half of a worker. It knows no handlers.
//
// A notification becomes one of three things: an event, a dead letter, or nothing when the same one came before. Each shard
// is taken in by one worker at a time, batch after batch, which keeps the order of arrival.
//
// Which file answers which question:
//
//	runner.go        what is an intake made of, and how does it stop?
//	shard.go         how does a shard's batch become events, in which order, and when is it acknowledged?
//	validate.go      what is an event and what a dead letter?
//	windows.go       which notifications without an id are the same?
//	newest.go        which events are outdated?
//	former_order.go  how does the order hold while a shard goes over to other keys?
//	report.go        what is logged about a notification, and what is the operator told?
//	silence.go       which sources have fallen silent?
package intake
