// Package handler gives notifications their meaning: one file per type, each with the part of the body that
// matters, its registration and a function that does the work:
//
//	// IncomingCall tells that somebody is calling the account.
//	type IncomingCall struct {
//		From   string `json:"from"`
//		Status string `json:"status"`
//	}
//
//	func init() { register("incomingCall", incomingCall) }
//
//	func incomingCall(ctx context.Context, event Event[IncomingCall]) error { … }
//
// That file and a schema of the same name are all that a new type needs. A string is right where the schema demands
// one; [Text] and [Loose] are for what senders write now this way, now that.
//
// The returned error is the verdict: nil means handled, [Permanent] makes a dead letter at once, [RetryAfter] and
// any other error mean another try. A panic is an error, and so is a body that does not fit the struct, that one
// permanent.
//
// The same event comes again when a worker dies before its verdict is stored, when a try failed, or when somebody
// replays it. Its Key stays the same, so an effect that must happen once is tied to the key. Events of one chat
// come one after another, unless a group is configured otherwise or an event waits for a later try. Events of
// different chats are handled at the same time, so handlers share no unguarded state.
//
// A handler knows no queue, no HTTP server and no environment. It gets what it needs in the [Event], and it logs
// what happened but never what people wrote to each other.
//
// Which file answers which question:
//
//	handler.go   what does a handler get?
//	verdict.go   what may a handler return, and what does it mean?
//	register.go  how does a handler come into the table, and how is a body decoded?
//	registry.go  which handlers are there, and how are they called?
//	loose.go     how is a field read that senders write now this way, now that?
//	message.go   what do the types that are about messages have in common?
//	quota.go     what do those about quotas have in common?
//
// Each other file is a type: incoming_call.go is incomingCall.
package handler
