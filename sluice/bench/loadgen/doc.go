// Package loadgen is the load generator of the benchmarks: it sends notifications as fast as they are taken or at a
// rate, measures each answer, and compares what was answered 200 with what the stream holds.
//
// It is our own, because it shares the processors with what it measures: a request costs it little more than the two
// system calls. It prepares each connection's request once and changes only digits in it ([Template]), and of an answer
// it reads no more than the status, the receipt and the end. It knows no more of HTTP than that; what it can't read is
// an error, never a guess.
//
//	job.go       what to send where, its limits, and the run from the first request to the result
//	load.go      the two loops: closed (the next one after an answer) and open (at a rate, whatever is still under way)
//	client.go    a connection over HTTP
//	publish.go   senders without HTTP: through Sluice's publisher, and bare
//	template.go  the notifications, each with an id that says which connection sent it and as which number
//	answer.go    reads an answer
//	tally.go     what one connection saw
//	stored.go    looks in the stream for what was answered 200
//	usage.go     processor time and memory of processes, from /proc
//	result.go    the figures, as JSON and as text
//
// Latency in an open loop is counted from when a request was due, not from when a connection was free for it: what a
// sender waits because the server holds up others is part of what it waits.
package loadgen
