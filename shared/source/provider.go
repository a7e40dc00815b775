// Package source has what Sluice knows about senders: how each proves who it is, from where it sends, how long
// it waits, and how its notifications tell what they are. One file per provider; a new provider registers
// itself there and nothing else changes. The package knows neither the HTTP server nor NATS.
package source

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"sluice.internal/shared/notification"
)

// Provider is one kind of sender. A configured source names its provider.
type Provider struct {
	// Name is how configuration, schemas and handlers call it, such as "green-api".
	Name string
	// Path is where its sources listen unless configured otherwise.
	Path string
	// Patience is how long the gateway may try to store a notification before it answers 503. It stays well
	// below the time the sender waits.
	Patience time.Duration
	// Proof is how its requests prove where they come from.
	Proof Proof
	// GivesSecret says that the secret is the provider's to give, so that none can be made up here.
	GivesSecret bool
	// Addresses are the named lists of addresses that the provider publishes, for allowlists.
	Addresses map[string]AddressList
	// TypeAt is where the type is, to name what is missing: the JSON pointer in a body, or "header:" and the name of a
	// field of the request. Empty when every notification has the same type.
	TypeAt string
	// Header are the fields of a request that travel with the notification, for Identify.
	Header []string
	// Peek finds type and instance without parsing the body, "" where it can't tell. It must stand any bytes.
	Peek func(n *notification.Notification) (kind, instance string)
	// Identify says what a notification is. It must stand any document, valid or not.
	Identify func(n *notification.Notification, body *notification.Document) notification.Identity
	// Greet answers a GET by which the provider asks whether somebody listens at the path: with a text to send back, or
	// not ok. Such a request is not signed. Nil where there are none.
	Greet func(query url.Values) (echo string, ok bool)
	// Challenge does the same for a signed POST, which is then no notification.
	Challenge func(body []byte) (echo string, ok bool)
	// Announce sets the fields that the provider sends beside the proof, with the type where it is sent in one.
	Announce func(d *Draft, kind string)
	// Configurable says that a source chooses how it proves itself and where its bodies have what they have.
	Configurable bool
}

// registry is filled by the init functions of this package and only read afterwards.
var registry = map[string]Provider{}

// register makes a provider known. It panics on a duplicate or a half-filled one: a mistake in this package,
// to be noticed at the first start.
func register(provider Provider) {
	if _, taken := registry[provider.Name]; taken {
		panic(fmt.Sprintf("provider %q is registered twice", provider.Name))
	}
	if provider.Name == "" || provider.Path == "" || provider.Patience <= 0 ||
		provider.Proof == nil || provider.Peek == nil || provider.Identify == nil {
		panic(fmt.Sprintf("provider %q lacks a field", provider.Name))
	}
	registry[provider.Name] = provider
}

// Providers returns all providers by name. The map is the caller's.
func Providers() map[string]Provider { return maps.Clone(registry) }

// Names returns the names of all providers in order.
func Names() []string { return slices.Sorted(maps.Keys(registry)) }
