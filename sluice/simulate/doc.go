// Package simulate is a sender that behaves like GREEN-API: a number of instances, each of which has one notification
// under way at a time, waits up to three minutes for a 200, and otherwise pauses for a minute and sends the same bytes
// again, for a day. What the instances tell of is made up but fits together: statuses follow their messages, edits
// and reactions refer to messages of the same chat, calls end.
//
// Every attempt is written into a ledger, from which it can be told what a receiver must have stored. The package
// knows nothing of gateways and streams; whatever takes HTTP can be its receiver.
//
// How it is sent:
//
//	simulate.go     what can be chosen; makes the instances, runs them, and says what came of it
//	instance.go     one account: when it sends, sends again, rests and gives up
//	arrivals.go     when the notifications of an instance come into being, and how many wait
//	post.go         one attempt over HTTP, and what its answer was
//	line.go         what goes wrong with an attempt on its way
//	tally.go        counts over all instances, while it runs; summary.go at the end, for people and as JSON
//	durations.go    quantiles of many times in little memory
//
// What is sent:
//
//	world.go        what goes on around one account, and which messenger it is of
//	people.go       persons, chats, and the messages that others can refer to
//	mix.go          how often each type comes
//	message.go      a message of any type: who writes it, to whom, in answer to what
//	texts.go        messages that are text, or change another message; media.go files, places, contacts;
//	                buttons.go what programs send and people press
//	notices.go      what is no message: statuses, calls, the account's state, quotas
//	notification.go the document that is sent, with the fields of GREEN-API's documentation
//	faults.go       what a receiver has to bear with: duplicates, unknown types, notifications that no schema accepts
//
// The same seed gives the same contents and ids, and the same order within each instance, whatever the timing. Chances are
// drawn from sequences of their own for each kind, so that one setting does not change what another decides.
package simulate
