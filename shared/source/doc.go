// Package source has what Sluice knows about senders: how each proves who it is, from where it sends, how long it waits,
// and how its notifications say what they are. There is one file per provider; a new provider registers itself in a file of
// its own, and nothing else changes. The package knows neither the HTTP server nor NATS.
//
// A source has two shapes. As it is written, it is a config.Source: strings and secrets that somebody configured. As it is
// used, it is a Configured: provider, proof, verifier, allowlist and mapping, made once by Configure at the start. Nobody
// else turns the one into the other.
//
// Which file to open:
//
//   - What does a provider consist of, and how is it registered? provider.go
//   - How is a provider described in words, for the table of senders? describe.go
//   - The providers: each has a file of its name, and generic.go is for senders that have none
//   - How does a configured source become one that is used? configured.go; its proof alone: proof_for.go
//   - What does the configuration know about providers, and what do they check in it? known.go, check.go
//   - Who may send, by address? addresses.go
//   - How does a stored notification get its type, instance, order and identity? interpret.go
//   - Which spellings of a type or an instance are none? identity.go; of a chat: chat.go
//   - What makes notifications the same, and for how long? key.go; by the formula of before: former.go
//   - How is that configured for provider generic? mapping.go; where is a part of it? place.go; a type that is the name of a member: key_place.go; requests
//     with several notifications: split.go
//   - How is a sender answered that asks whether somebody listens? challenge.go; and one that wants its own answer? answer.go;
//     where do both look? request_place.go
//
// Whatever reads a notification stands any bytes: a panic here would stop a worker at the same notification again and again.
// Compatibility is kept for Provider, Configure and Interpret; the rest may change.
package source
