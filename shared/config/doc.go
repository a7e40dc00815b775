// Package config reads the configuration of all processes: one file, with environment variables over it, and flags over
// those. It is the one place where a key, its default, its meaning and its checks stand.
//
// The table of keys is the struct [Config] with those below it. A field is a key, and its tags say everything about it:
//
//	yaml      the key's name in its section
//	default   the value of a key that is not set
//	enum      the values that there are
//	min, max  the bounds of a number, a size or a duration
//	pattern   what a text must match
//	listen    the value is an address to listen on
//	file      the value is a path: of a file to open (path), of one that Load reads (content), or of a folder
//	variable  the value names an environment variable
//	needs     keys of the section that must be set together with it
//	excludes  keys of the section that must not
//	open      a section whose keys somebody else knows
//
// The doc comment of the field is the meaning. [Load], [Default], [Keys] and [JSONSchema] all read this table, so that a new
// key is one field, and `go generate` for its meaning. What one field can't say about itself is a method of the loader in
// check.go or sources.go.
//
// The rooms, and which may know which:
//
//	internal/value  <-  internal/layers  <-  config
//
//	internal/value   sizes, secrets, addresses and other values, from a text
//	internal/layers  file, variables and flags, read by any table; it knows none of the keys
//
// Where to look:
//
//	config.go, source.go   the table; account.go and bot.go have what belongs to GREEN-API's HTTP API,
//	                       handler.go the handlers that are no Go
//	types.go               types of values, faults and settings under the name of this package
//	keys.go                the table in words
//	names.go               what names of sources, instances, bots and handlers look like
//	meanings.go            the doc comments, generated
//	load.go                the order of things: layers, values, checks
//	check.go, sources.go   checks across keys; what a source gets from its provider; accounts.go for instances, bots.go,
//	                       handlers.go
//	credentials.go         tokens and secrets, from files and variables
//	nats.go                how another program says where NATS is
//	json_schema.go         the table for editors
//
// Services take the structs as they are. Nothing but this package has a default or checks a value again, and tests start
// from Default.
//
// The package knows no flags library, no environment but the one it is handed, and neither NATS nor the providers: what has
// to be known about these comes in through [Options].
package config

//go:generate go test -count=1 -run ^TestMeaningsAreTheDocComments$ . -update
