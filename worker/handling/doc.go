// Package handling hands the events of a group to their handlers: the second half of a worker. It knows no notifications,
// and nothing of how events came to be.
//
// An event ends in one of two ways for each group: it is handled, or it is a dead letter.
//
//	EVENTS ─▶ handler ─┬─ no error ────────────────▶ done
//	             ▲     ├─ try again, the chat waits ─┐
//	             ├─────┼─────────────────────────────┘
//	             └─────┼─ parked in RETRIES until it is due
//	                   └─ permanent, or tried for long enough ─▶ DEAD_LETTERS
//
// Which file answers which question:
//
//	runner.go        what is the handling side made of, how are handlers kept busy, and how does it stop?
//	partitions.go    how does a worker begin and end to own a partition?
//	broker.go        how does the engine in keyed get at events?
//	asides.go        which chats are aside, because too much of them waits, and where are their events?
//	members.go       who else is in the group? shares.go divides the partitions among them.
//	bodies.go        how much memory may the bodies of events take?
//	call.go          how is a handler called, and what if it does not heed its time?
//	settle.go        what becomes of an event after its handler returned?
//	retry_policy.go  when is an event tried again, and when is it given up?
package handling
