// Package rejection keeps, counts and tells the operator what the gateway refused. All of it is bounded: a flood of
// refused requests neither fills the store nor holds up those who may send, and what is over is counted.
//
// A request passes recorder.go while its client waits. The rest is done after the answer, in one goroutine.
//
//	recorder.go       What is kept of a refused request, and when is it only counted?
//	kept_body.go      How much of its body is kept, and who reads it?
//	failure_limit.go  How many requests of one address are looked into? Who has sent notifications before?
//	redact.go         What may be kept of a header, and which digests make it possible to accept the request later?
//	report.go         When does a refusal get a line in the log, and when an alert?
//	writer.go         How does a rejection get its cause and into the store?
//
// The package knows neither the gateway nor how it answers.
package rejection
