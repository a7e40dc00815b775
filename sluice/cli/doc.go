// Package cli is the command line of Sluice: what operators and their scripts type.
//
// It looks at streams, sends notifications as a provider would, and explains the configuration. It knows the
// process only through what [Run] is handed, creates no streams and consumers, and runs no gateway or worker of
// its own: `sluice up` is handed in as a function.
//
// # Which file answers which question
//
// A command is a struct whose fields are its flags, with a method Run; the table of them is in run.go. Its file is called
// noun_verb.go, as in dead_retry.go for `sluice dead retry`; the noun alone has the listing.
//
//	exit codes, signals, help           run.go
//	where NATS and the gateway are      connect.go (flags --nats, --data, --config), destination.go (where to send)
//	--since, --limit, --follow, --json  listing_flags.go
//	showing items by their sequences    sequence_view.go
//	doing the same to many messages     batch.go, dead_select.go (which ones), rate_limit.go
//	what the intake made of them        decisions.go
//	what became of a notification       find.go, over package find
//	names of fields in JSON             events.go (eventFields, the common ones), payload.go (bodies), *_document.go
//	sending as a provider               send.go, send_files.go, signer.go (token or signature), send_result.go
//	posting events to a program         event_post.go (for listen.go and replay.go), replay_job.go
//	a region's notifications            regions.go, and --region in secrets.go
//	a module with handlers of one's own new.go, over package scaffold
//	tables for handlers in PostgreSQL   postgres.go
//	what status prints, what it warns   status_table.go, status_document.go, status_rate.go, status_problems.go
//
// What is written to a terminal, and made harmless for one, is the package term.
//
// # Rules
//
// Standard output has the result alone, so that it can be piped; everything else goes to standard error. --json writes one
// object a line, with the same names in every command. A command that changes something says beforehand what it would
// do, needs --yes where that can't be undone, and records who did it. The exit code is 0 for success, 1 for a
// failure, 2 for wrong usage. A reader that has seen enough, such as `head`, is no failure.
package cli
