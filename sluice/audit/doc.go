// Package audit accounts for every notification and every event, from nothing but what is stored: each notification
// must have become an event or have a reason not to, once and in its order. It changes nothing, and knows neither the
// command line nor how the streams are made.
//
// An audit reads everything once, in an order in which nothing can slip through while the system works; the function
// look says which and why. What seems wrong is looked at a second time before it is reported.
//
//	audit.go           the order of reading
//	events.go          reads EVENTS: the index, the order within a chat, events that are there twice
//	index.go           finds an event by its sequence, its notification or its key
//	groups.go          reads RETRIES, DEAD_LETTERS and OPERATIONS: what the groups did with their events
//	bots.go            how far the bots are in the events
//	deferred_checks.go dead letters and retries that name something newer than what had been read
//	notifications.go   reads NOTIFICATIONS: what became of each, and what may have been trimmed
//	outcome.go         the outcomes of a notification, and how they are counted
//	ledger.go          compares what simulators sent with what is stored
//	gaps.go            sequences that are gone from the middle of a stream
//	gone.go            what is gone on purpose, as operations record
//	report.go          what an audit returns
//
// An event costs 64 bytes while it is accounted for. A chat, a body in a ledger and a notification that nothing
// accounts for cost 100 to 200 bytes each; the process takes about twice as much. All other notifications cost nothing.
package audit
