// Package notification has the types that gateway and worker agree on: what a source sent, what it is, and what became of
// it. It knows neither HTTP nor NATS. Besides the standard library it imports the reader of JSON, and package body, which reads
// what is no JSON.
//
// Which file to open:
//
//	notification.go  what do notifications, events, dead letters and rejections hold?
//	operation.go     what is recorded of what operators did, and what is kept of an event that waits for its next try?
//	read.go          how does a body of any kind become a document, and how do handlers get it as JSON?
//	parse.go         which JSON is read, within which bounds, and what is a fault?
//	repair.go        what is read although it is no JSON, because it is plain what was meant?
//	fold.go          which names of fields may a lenient reader take for each other?
//	document.go      how is a value of a body looked up?
//	whole_number.go  which spellings of a number are the same?
//	key.go           how is an identity made, and which bodies count as the same?
//	key_set.go       how are keys remembered without keeping them?
//	sequences.go     how are many places in a stream written down?
package notification
