package provider

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// Provider is one kind of sender. A configured source names its provider. It is a value without state: what one source has
// of its own is in Configured. Its functions are safe for concurrent use.
type Provider struct {
	// Name is its name in the configuration, in the folders of schemas and at handlers, such as "green-api".
	Name string
	// Path is where its sources listen unless configured otherwise.
	Path string
	// PublishTimeout is how long the gateway may try to store a notification before it answers 503. It stays well
	// below the time the sender waits.
	PublishTimeout time.Duration
	// BodyLimit is the largest body, in bytes, that it sends, by its documentation; 0 where that does not say.
	BodyLimit int64
	// Proof is how its requests prove where they come from.
	Proof proof.Proof
	// SignedBySource says that what is signed has something in it that differs from source to source, so that each has to say
	// signature.signed. That of Proof is an example.
	SignedBySource bool
	// GivesSecret says that the secret is the provider's to give, so that none can be made up here.
	GivesSecret bool
	// Addresses are the named lists of addresses that the provider publishes, for allowlists.
	Addresses map[string]AddressList
	// TypeAt is where the type is, to name what is missing: the JSON pointer in a body, or "header:" and the name of a
	// field of the request. Empty when every notification has the same type.
	TypeAt string
	// TakesGET says that a GET is a notification as well, with its query in place of a form.
	TakesGET bool
	// OptionalType says that some of its notifications have no type. They are events without one, and a source may say where it
	// is (read.type).
	OptionalType bool
	// Header are the fields of a request that travel with the notification, for Identify.
	Header []string
	// SignedID and SignedTime are the fields under which the id and the time travel that the signature covers, whatever the
	// headers are called that a source has configured for them. Empty where the body has both.
	SignedID, SignedTime string
	// Split names the arrays in a body whose items are notifications of their own; see MaxParts.
	Split []string
	// Read says where the parts of a notification are, for providers without a Peek and an Identify of their own.
	Read mapping.Mapping
	// About says for those with a Peek and an Identify of their own what these do, and for any what its proof leaves open.
	About About
	// Peek finds type and instance without parsing the body, "" where it can't tell. The gateway calls it for each request, so
	// it must be fast and stand any bytes. A wrong answer costs order at most: Identify decides.
	Peek func(n *notification.Notification) (kind, instance string)
	// Identify says what a notification is: two notifications with the same Key are one event, those with the same OrderKey
	// stay in order. It must stand any document, valid or not, and must not read the clock: the same notification has the
	// same identity for ever.
	Identify func(n *notification.Notification, body *notification.Document) notification.Identity
	// Former is Identify as it was for notifications that are notification.Notification.Former; nil where it was the same.
	Former func(n *notification.Notification, body *notification.Document) notification.Identity
	// Challenge is how it finds out whether somebody listens.
	Challenge Challenge
	// Answers are what it wants to read once a notification is stored, the first whose conditions hold; the receipt where
	// none do.
	Answers []Answer
	// Announce sets the fields that the provider sends beside the proof, with the type where it is sent in one.
	Announce func(d *proof.Draft, kind string)
	// HTTPAPI says that it hands out notifications to who asks, by GREEN-API's HTTP API.
	HTTPAPI bool
	// Configurable says that a source chooses how it proves itself and where its bodies have what they have.
	Configurable bool
}

// registry is filled by Register as programs start, and only read afterwards.
var registry = map[string]Provider{}

// Register adds a kind of sender. It has to be called before anything else of Sluice is used, and in every program that lets
// its requests in or reads its notifications: gateway and worker. The files of this package call it as they are initialised,
// programs with senders of their own through the package source. It panics on a name that is taken and on a provider that
// lacks a name, a path, a publish timeout, a proof, or either what Read says or Peek and Identify: a mistake to be noticed at
// the first start.
func Register(provider Provider) {
	if _, taken := registry[provider.Name]; taken {
		panic(fmt.Sprintf("provider %q is registered twice", provider.Name))
	}
	if provider.Peek == nil && provider.Identify == nil && provider.Read.Type != "" {
		provider.readAs(provider.Read)
	}
	if provider.Name == "" || provider.Path == "" || provider.PublishTimeout <= 0 ||
		provider.Proof == nil || provider.Peek == nil || provider.Identify == nil {
		panic(fmt.Sprintf("provider %q lacks a field", provider.Name))
	}
	registry[provider.Name] = provider
}

// readAs makes the functions that read notifications by a mapping. It panics on one that has faults.
func (p *Provider) readAs(m mapping.Mapping) {
	m.Split = p.Split
	if err := m.Check(); err != nil {
		panic(fmt.Sprintf("provider %q: %s", p.Name, err))
	}
	p.TypeAt, p.Header = m.Type, append(p.Header, m.Fields()...)
	p.Peek = func(n *notification.Notification) (kind, instance string) {
		return m.Peek(m.Type, n), m.Peek(m.Instance, n)
	}
	p.Identify = func(n *notification.Notification, body *notification.Document) notification.Identity {
		identity := m.Identify(n, body)
		m.SetWindow(n, &identity)
		return identity
	}
}

// defaultBodyLimit is the largest body, in bytes, of a provider whose documentation names none. It is far more than any of
// them was seen to send.
const defaultBodyLimit = 8 << 20

// DefaultBodyLimit returns the largest body, in bytes, that is accepted of the provider's sources unless configured otherwise.
func (p Provider) DefaultBodyLimit() int64 { return cmp.Or(p.BodyLimit, defaultBodyLimit) }

// All returns all providers by name. The caller may change the map.
func All() map[string]Provider { return maps.Clone(registry) }

// Names returns the names of all providers, sorted.
func Names() []string { return slices.Sorted(maps.Keys(registry)) }

// SignatureHeaders returns the header fields in which the providers send their signatures, for diagnoses.
func SignatureHeaders() []string {
	var names []string
	for _, provider := range registry {
		if signature, ok := proof.SignatureOf(provider.Proof); ok {
			names = append(names, signature.Header)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
