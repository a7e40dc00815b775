package source

import (
	"sluice.internal/shared/source/mapping"
	"sluice.internal/shared/source/provider"
)

// What programs with senders of their own need, under the name of this package.
type (
	// Provider is one kind of sender.
	Provider = provider.Provider
	// Mapping says where the parts of a notification are.
	Mapping = mapping.Mapping
	// Challenge is how a sender finds out whether somebody listens.
	Challenge = provider.Challenge
	// Answer is what a sender wants to read once its notification is stored.
	Answer = provider.Answer
	// About says in words what a provider's own code reads.
	About = provider.About
	// AddressList is from where a provider sends.
	AddressList = provider.AddressList
)

// QueryField begins the name under which a parameter of a request's URL travels among its header fields.
const QueryField = mapping.QueryField

// Register adds a kind of sender to the built-in ones, for programs of one's own. It has to be called before anything else of
// Sluice is used, and in every program that lets its requests in or reads its notifications: gateway and worker. It panics on
// a name that is taken and on a provider that lacks a name, a path, a publish timeout, a proof, or either what Read says or
// Peek and Identify.
func Register(one Provider) { provider.Register(one) }

// Providers returns all providers by name. The caller may change the map.
func Providers() map[string]Provider { return provider.All() }

// Names returns the names of all providers, sorted.
func Names() []string { return provider.Names() }

// SignatureHeaders returns the header fields in which the providers send their signatures, for diagnoses.
func SignatureHeaders() []string { return provider.SignatureHeaders() }
