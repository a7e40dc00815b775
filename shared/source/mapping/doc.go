// Package mapping says where the parts of a notification are: its type, its account, its id, what it stays in order with. It
// looks them up in bodies and requests, and makes of them what tells notifications apart. It knows no provider and no
// configuration. Whatever it is given to read, it stands any bytes.
//
// Where to look:
//
//	mapping.go        a Mapping: the places of all parts; the identity that it reads; times of senders
//	place.go          a place in a stored notification, with and without its body parsed
//	key_place.go      a place that is the name of a member; several places of which the first counts
//	missing.go        what to say when there is no type at its place
//	request_place.go  a place in a request that is not stored yet, and conditions on it
//	split.go          dividing requests with several notifications
//	key.go            what makes notifications the same, and for how long
package mapping
