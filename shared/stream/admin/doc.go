// Package admin is what operators do with the streams: look at them, and send through again or remove what is dead,
// refused or parked. Its Client has no method that publishes a notification of one's own or takes an event away from a
// group; what it changes it records in OPERATIONS.
//
//	client.go        the Client; Attach for a program that only operates
//	query.go         listing notifications, events, dead letters, rejections and operations; one event
//	reader.go        how a stream is read, from near its end where a listing has a limit
//	passage.go       its consumers, one after the other where one falls silent
//	ring.go          what a listing with a limit keeps
//	retries.go       listing what is parked or due
//	lookup.go        first message of a subject, number of messages
//	status.go        how full the streams are, what waits for whom
//	inspect.go       the same with what takes longer: since when, parked, dead
//	progress.go      what the streams hold and how far everybody is, for the audit
//	unprocessed.go   what waits longest, one by one
//	dead_letters.go  one dead letter; retry and drop
//	decisions.go     what the intake made of notifications that were sent through
//	redeliver.go     handing an event to a group once more
//	rejections.go    one rejection; accepting it
//	operations.go    the record of what was done
//	groups.go        names of groups, removing one
//	regions.go       the streams between a region and the centre
//	workers.go       what workers say about themselves
//	poll_states.go   what pollers say about the instances that they poll
//	bots.go          where bots are, and moving one
//	messages.go      one message by its sequence
package admin
