// Package wire is the form of everything that Sluice stores in NATS: names, subjects, header fields, and how each kind
// of message is written and read. It makes no request and knows no stream's state, so that writing and reading a
// message can be tested without a server.
//
// Every kind has a file with its ...Message function, which writes, and its Read... function, which reads what that
// one wrote. A reader takes whatever it finds: a header that another program wrote may be anything, and a field that
// can't be read is left empty instead of making the message unreadable. A writer bounds every value, since headers
// share the server's max_payload with the body: HeaderReserve is what they may take.
//
// The body of a message is always the sender's bytes, untouched.
//
//	names.go           header fields, names of consumers, keys of metadata
//	subject.go         subjects; which shard, lane and part something belongs to
//	header.go          header fields in one line of bounded length, and back
//	notification.go    the raw request, NOTIFICATIONS
//	origin.go          where it came from and when: what a notification and its event have in common
//	request_fields.go  the request's own header fields that travel along
//	event.go           the accepted event, EVENTS; the newest time of an object, OBJECTS
//	retry.go           the event that waits for its next attempt, RETRIES
//	lineage.go         what an event went through: attempts, errors, rounds
//	dead_letter.go     DEAD_LETTERS
//	rejection.go       the refused request, REJECTIONS; rejection_subject.go has the shares that it counts in
//	alert.go           what the operator is told, ALERTS
//	operation.go       what an operator did, OPERATIONS
//	suspect.go         what workers ended with, SUSPECTS
//	position.go        where bots are, POSITIONS
//	reply.go           which events were answered, REPLIES
//	done.go            what a consumer says of those that it took over from
//	worker_state.go    where workers tell what they do, which is not stored
//	state.go           what processes say about themselves, and leases, STATES
package wire
