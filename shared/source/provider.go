// Package source has what Sluice knows about senders: how each proves who it is, from where it sends, how long
// it waits, and how its notifications tell what they are. One file per provider; a new provider registers
// itself there and nothing else changes. The package knows neither the HTTP server nor NATS.
package source

import (
	"fmt"
	"maps"
	"net/http"
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
	// Verify makes the check that a request comes from somebody who knows one of the tokens.
	Verify func(tokens []string) Verifier
	// Addresses are the named lists of addresses that the provider publishes, for allowlists.
	Addresses map[string]AddressList
	// TypeAt is the JSON pointer of the type in a body, to name what is missing; empty when it is elsewhere.
	TypeAt string
	// Peek finds type and instance without parsing the body, "" where it can't tell. It must stand any bytes.
	Peek func(body []byte) (kind, instance string)
	// Identify says what a notification of the named source is. It must stand any document, valid or not.
	Identify func(source string, body *notification.Document) notification.Identity
}

// Verifier tells whether a request may be accepted: nil, or a *Refusal. It is safe for concurrent use and
// takes the same time whichever token is wrong.
type Verifier func(header http.Header) error

// Refusal is why a request was refused. The cause is for the operator; the sender learns nothing but 401.
type Refusal struct {
	// Cause is a stable word, one of the Cause constants.
	Cause string
	// Detail says more, and never a secret.
	Detail string
}

// The causes of refusals that verifiers give.
const (
	CauseMissingToken = "missing-token"
	CauseWrongToken   = "wrong-token"
)

func (r *Refusal) Error() string { return r.Cause + ": " + r.Detail }

// registry is filled by the init functions of this package and only read afterwards.
var registry = map[string]Provider{}

// register makes a provider known. It panics on a duplicate or a half-filled one: a mistake in this package,
// to be noticed at the first start.
func register(provider Provider) {
	if _, taken := registry[provider.Name]; taken {
		panic(fmt.Sprintf("provider %q is registered twice", provider.Name))
	}
	if provider.Name == "" || provider.Path == "" || provider.Patience <= 0 ||
		provider.Verify == nil || provider.Peek == nil || provider.Identify == nil {
		panic(fmt.Sprintf("provider %q lacks a field", provider.Name))
	}
	registry[provider.Name] = provider
}

// Providers returns all providers by name. The map is the caller's.
func Providers() map[string]Provider { return maps.Clone(registry) }

// Names returns the names of all providers in order.
func Names() []string { return slices.Sorted(maps.Keys(registry)) }
