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
// Where to look for what:
//
//	worker.go    what runs in a worker, and how does it stop?
//	program.go   what is a worker as a program, with handlers of its own?
//	settings.go  what is a worker made of?
//	intake/      how do notifications become events?
//	handling/    how do events get to their handlers, and what becomes of them then?
//	keyed/       how are thousands of chats handled side by side, each in order?
//	handler/     what is a handler, and which are built in?
//	greenapi/    how do handlers answer events and send by GREEN-API?
//	postgres/    how does an event have exactly one effect in PostgreSQL?
//	external/    how are events handed to what is no Go?
//	storing/     how long is the store asked to take something, and what if it never does?
//	isolation/   what if something kills the process that looks at it?
//	memory/      how much memory may bodies take?
package worker
