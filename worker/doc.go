// Package worker takes raw notifications in, makes events of the valid ones, and hands events to the handlers of
// their types. Any number of workers may run: what each does is divided by the streams.
//
// A notification becomes one of three things: an event, a dead letter, or nothing when the same one came before. An
// event ends in one of two ways for each group: it is handled, or it is a dead letter.
//
//	NOTIFICATIONS ─▶ validate ─▶ EVENTS ─▶ handler ─┬─ no error ────────────────▶ done
//	                    │                    ▲      ├─ try again, the chat waits ─┐
//	                    ▼                    ├──────┼─────────────────────────────┘
//	               DEAD_LETTERS              └──────┼─ parked in RETRIES until it is due
//	                    ▲                           │
//	                    └───────────────────────────┴─ permanent, or tried for long enough
//
// Which file answers which question:
//
//	worker.go        what runs in a worker, and how does it stop?
//	program.go       what is a worker as a program, with handlers of its own?
//	settings.go      what is a worker made of?
//	intake.go        how does a shard's batch become events, in which order, and when is it acknowledged?
//	validate.go      what is an event and what a dead letter?
//	former_order.go  how does the order hold while a shard goes over to other keys?
//	windows.go       which notifications without an id are the same?
//	newest.go        which events are outdated?
//	report.go        what is logged about a notification, and what is the operator told?
//	handling.go      how are partitions served, and the handlers' work ended?
//	broker.go        how does the engine in keyed get at events?
//	members.go       who else is in the group? shares.go divides the partitions among them.
//	call.go          how is a handler called, and what if it does not heed its time?
//	settle.go        what becomes of an event after its handler returned?
//	retry_policy.go  when is an event tried again, and when is it given up?
//	storing.go       how long is the store asked to take something, and what if it never does?
//	memory.go        how much memory may bodies take while they are read?
//	isolation.go     what if something kills the process that looks at it?
//	silence.go       which sources have fallen silent?
package worker
