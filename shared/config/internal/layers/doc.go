// Package layers reads what is configured in layers: a file, variables over it, flags over those. It knows no key. Which there are,
// with their types, defaults and checks, it reads from the fields of a struct and their tags, which the package config
// describes: its own Config, or a struct of somebody's for a section of settings.
//
// All that is wrong is collected, with its place, and nothing that may be a secret is repeated.
//
// Where to look:
//
//	row.go          a row of the table: how structs are read as one
//	row_value.go    from a text to the value of a row
//	schema.go       a row for editors
//	loader.go       what is known of the keys while they are read; setting fields of structs
//	fill.go         the structs of sections with names, and of lists of sections
//	yaml.go         the file
//	environ.go      variables and flags
//	check.go        checks that stand in tags
//	file_access.go  who may read and write files; why one can't be read
//	settings.go     sections that handlers of one's own read
//	faults.go       faults and places
//	suggest.go      what somebody meant to write
package layers
