// Package erasure removes what is stored about a person, an account or a single event, from every stream, and overwrites
// it on the disk.
//
//	target.go    what is to be erased, and how ids are compared
//	look.go      goes through the streams in the order in which a notification does, and finds what is to go
//	match.go     what of each stream belongs to the target
//	erase.go     records what is to go, and then removes it
//	digest.go    what the record has in place of an id
//
// The order is: look, record, remove. What is killed in between can be run again: it finds what is left. The record has
// places and no ids, and sluice audit counts what is gone from these places as erased.
//
// Out of reach is what is not in the streams: backups, logs, what subscribers and handlers did with events. What a worker
// has in its hands while the streams are looked at may be stored afterwards; so after it has removed what it found, it
// looks at what was stored since.
package erasure
