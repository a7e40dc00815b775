// Package source has what Sluice does with its senders: which of them may send, how a stored notification becomes what its
// sender means, how a sender is answered. It knows neither the HTTP server nor NATS.
//
// A source has two shapes. As it is written, it is a config.Source: strings and secrets that somebody configured. As it is
// used, it is a Configured: provider, proof, verifier, allowlist and mapping, made once by Configure at the start. Nobody
// else turns the one into the other.
//
// The rooms, and which may know which:
//
//	chat, mapping  <-  provider  <-  source
//
//	provider   the kinds of senders, one file each; the door for a new one
//	mapping    where the parts of a notification are in a body or a request, and what makes two of them the same
//	chat       how chats are spelled
//
// Where to look:
//
//	sender.go      what programs with senders of their own need
//	configured.go  how a configured source becomes one that is used
//	proof_for.go   its proof alone
//	known.go       what the configuration knows about providers
//	check.go       what they check in it
//	allowlist.go   who may send, by address
//	interpret.go   how a stored notification gets its type, instance, order and identity
//	identity.go    which spellings of a type or an instance are none
//	parts.go       requests with several notifications
//	challenge.go   how a sender is answered that asks whether somebody listens
//	answer.go      and one that wants its own answer
//
// Whatever reads a notification stands any bytes: a panic here would stop a worker at the same notification again and again.
// Compatibility is kept for Provider, Configure and Interpret; the rest may change.
package source
