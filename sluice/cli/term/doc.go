// Package term writes what the commands say: tables, listings, JSON, progress and diagnostics. It knows nothing of
// notifications, streams or flags, so that every command looks the same without knowing how.
//
//	standard output   output.go       buffered; one object of JSON a line; the first error of a write stays
//	standard error    diagnostics.go  safe for concurrent use: a connection logs beside what a command says
//	tables            table.go        aligned columns, for rows that are known and for rows that are yet to come
//	listings          listing.go      items of one kind as they are read, as a table or as JSON
//	progress          progress.go     one line that is rewritten, where a person watches
//	counts            counts.go       "3 events: 2 incomingCall, 1 deviceInfo"
//	text              text.go         text of strangers made harmless and short, times for people
//
// Senders choose what is in their notifications, so everything that comes from a stream passes Printable before a
// terminal sees it.
package term
