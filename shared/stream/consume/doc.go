// Package consume is what a worker does with the streams: it takes notifications in, publishes the events that it makes
// of them, and is handed the events of its group until they are settled.
//
// One worker at a time has a shard of notifications (a pinned consumer), and a new one begins where the one before
// ended, so that order holds. An ordered group has a consumer for each partition, which one worker at a time owns; package keyed
// of the worker keeps its chats in order.
//
//	client.go          the Client
//	intake.go          a shard's notifications in batches
//	pull.go            one request for messages
//	open_intake.go     opening a shard's consumer, after the change of keys too
//	claim.go           becoming the one worker of a shard, beginning again, giving it up
//	suspect.go         what may kill workers: counting deaths durably
//	events.go          publishing events: publishing is deduplicating
//	latest_sent_at.go  the newest time of an object whose events come out of order
//	first_received.go  when an event with a key was received first, for windows
//	let_go.go          how far groups have let go of lanes
//	last_received.go   when each source was heard last
//	group.go           a group's consumers
//	open_consumer.go   making one consumer
//	partition.go       being handed a consumer's events, as its owner or beside others
//	aside.go           chats of which too much waits: which they are, and reading their events again
//	lanes_before.go    taking over from the consumers of lanes, which the version before had
//	members.go         hearing and telling what the group's workers do
//	delivery.go        one event in a worker's hands: done, retry, park, bury, keep alive
//	park.go            setting an event aside until a time; dead letters
package consume
