package source

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// Configured is a source as it is used: everything that its configuration means, made once at the start. config.Source is
// the same source as it is written. Nobody changes a Configured afterwards, so any number of goroutines may read it.
type Configured struct {
	// Name is unique among the sources.
	Name string
	// Path is the URL path where it posts to, without a slash at the end; empty is the root.
	Path string
	// Provider is the kind of sender.
	Provider Provider
	// Proofs are how its requests prove where they come from, of which one is enough; nearly always there is one. Where
	// everybody may send it is the provider's, and it is not verified.
	Proofs []proof.Proof
	// Reads are what each of Proofs reads of a request beside its body.
	Reads []proof.Fields
	// Secrets are those that a request may be made with, or the names of certificates. Nobody may log them.
	Secrets []proof.Secret
	// Verifier checks Proofs by Secrets; nil where everybody may send.
	Verifier *proof.Verifier
	// BodyProves says that Verifier needs the whole body.
	BodyProves bool
	// Allow has the addresses from which requests are accepted.
	Allow Allowlist
	// Header has the names of the request's fields that travel with a notification, canonical.
	Header []string
	// Mapping is the encoded Mapping that travels with a notification, for providers that leave it open and where the source
	// says something about it; else empty.
	Mapping string
	// Challenge is how its sender finds out whether somebody listens, and challengePassword the password that both agreed on
	// for that, "" for none.
	Challenge         Challenge
	challengePassword string
	// Answers are what its sender wants to read, see Provider.
	Answers []Answer
	// Quarantine makes dead letters of bodies that differ from their schemas.
	Quarantine bool
	// BodyLimit is the largest body, in bytes, that is accepted. BodyLimitAsked says that somebody chose it, and that it is
	// not just the most that the provider may send.
	BodyLimit      int64
	BodyLimitAsked bool
	// PublishDeadline is how long storing a notification may take before the answer is 503.
	PublishDeadline time.Duration
}

// Configure makes the sources of a configuration, in the order of their names. It is the only place that reads a
// config.Source for use. The configuration was checked when it was loaded; for one that was put together in code, all
// faults are in the error.
func Configure(written map[string]config.Source) ([]*Configured, error) {
	all := make([]*Configured, 0, len(written))
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(written)) {
		one, err := configure(name, written[name])
		if err != nil {
			faults = append(faults, fmt.Errorf("source %q: %w", name, err))
			continue
		}
		all = append(all, one)
	}
	return all, errors.Join(faults...)
}

func configure(name string, written config.Source) (*Configured, error) {
	provider, known := Providers()[cmp.Or(written.Provider, name)]
	if !known {
		return nil, fmt.Errorf("there is no provider %q", cmp.Or(written.Provider, name))
	}
	prefixes, lists := written.Allowed()
	named, err := provider.NamedAddresses(lists...)
	if err != nil {
		return nil, err
	}
	one := &Configured{
		Name: name, Provider: provider, Proofs: []proof.Proof{provider.Proof}, Reads: []proof.Fields{proof.FieldsOf(provider.Proof)},
		Path:      strings.TrimSuffix(cmp.Or(written.Path, provider.Path), "/"),
		Allow:     NewAllowlist(slices.Concat(prefixes, named)...),
		Header:    slices.Clone(provider.Header),
		Challenge: challengeFor(provider, written), challengePassword: written.Challenge.Password.Reveal(),
		Answers:         answersFor(provider, written),
		Quarantine:      written.Mode == config.ModeQuarantine,
		BodyLimit:       cmp.Or(int64(written.BodyLimit), provider.DefaultBodyLimit()),
		PublishDeadline: cmp.Or(written.PublishDeadline, provider.PublishTimeout),
	}
	one.BodyLimitAsked = one.BodyLimit != provider.DefaultBodyLimit()
	if read := mappingFor(written); provider.Configurable || !read.IsEmpty() {
		if err := read.Check(); err != nil {
			return nil, err
		}
		one.Header = append(one.Header, read.Fields()...)
		one.Mapping = read.Encode()
	}
	for _, fault := range checkTalk(provider, written) {
		return nil, fmt.Errorf("%s: %s", fault.Key, fault.Message)
	}
	return one, one.setProof(written)
}

// setProof makes the verifier. A source has secrets or takes everybody's requests, never neither and never both.
func (c *Configured) setProof(written config.Source) error {
	secrets := secretsFor(written)
	if written.Auth == config.AuthNone {
		if len(secrets) > 0 {
			return errors.New("has tokens and no authentication, choose one")
		}
		return nil
	}
	if len(secrets) == 0 {
		return errors.New("has no token; whoever wants to take requests from everybody must say so")
	}
	c.Proofs, c.Reads = nil, nil
	var verifiers []*proof.Verifier
	for _, way := range ways(written) {
		own, err := ProofFor(c.Provider, way)
		if err != nil {
			return err
		}
		secrets := secretsFor(way)
		verifier, err := proof.NewVerifier(own, secrets...)
		if err != nil {
			return err
		}
		c.Proofs, c.Reads = append(c.Proofs, own), append(c.Reads, proof.FieldsOf(own))
		c.Secrets, verifiers = append(c.Secrets, secrets...), append(verifiers, verifier)
	}
	c.Verifier = proof.AnyOf(verifiers...)
	c.BodyProves = c.Verifier.CoversBody()
	return nil
}

// ways returns the source once for each way in which its senders may prove who they are, the usual one first.
func ways(written config.Source) []config.Source {
	all := []config.Source{written}
	for _, scheme := range written.Also {
		all = append(all, written.With(scheme))
	}
	return all
}

// SecretTexts returns all that nobody may read in a log or a rejection.
func (c *Configured) SecretTexts() []string {
	var texts []string
	if c.Proofs[0] != proof.Certificate() { // Names are no secrets, and such a source has nothing else.
		for _, one := range c.Secrets {
			texts = append(texts, one.Text)
		}
	}
	return append(texts, c.challengePassword)
}

// Carried returns the fields and parameters of a request that travel with its notification, by canonical name; nil when it has none of
// them.
func (c *Configured) Carried(r *proof.Request) map[string]string {
	fields := map[string]string{}
	for _, name := range c.Header {
		if parameter, ok := strings.CutPrefix(name, mapping.QueryField); ok {
			fields[name] = r.Query.Get(parameter)
			continue
		}
		fields[name] = r.Header.Get(name)
	}
	if c.Provider.SignedID != "" {
		fields[c.Provider.SignedID], fields[c.Provider.SignedTime] = proof.Labels(c.Proofs[0], r)
	}
	maps.DeleteFunc(fields, func(_, value string) bool { return value == "" })
	if len(fields) == 0 {
		return nil
	}
	return fields
}

// SecretInPath reports whether what follows the source's path may be a secret.
func (c *Configured) SecretInPath() bool {
	return slices.ContainsFunc(c.Reads, func(read proof.Fields) bool { return read.InPath })
}

// TakesEverybody reports whether anybody at any address may send.
func (c *Configured) TakesEverybody() bool {
	return c.Verifier == nil && c.Allow.Allows(netip.Addr{}) // Without a list an unknown address is allowed too.
}

// secretsFor returns what requests of the source are verified by: its tokens and secrets, or names of certificates.
func secretsFor(configured config.Source) []proof.Secret {
	var secrets []proof.Secret
	for _, name := range configured.Certificates {
		if configured.Auth == config.AuthCertificate {
			secrets = append(secrets, proof.Secret{Text: name})
		}
	}
	for _, one := range configured.Credentials() {
		secrets = append(secrets, proof.Secret{Text: one.Secret.Reveal(), From: one.From, Until: one.Until})
	}
	return secrets
}

// mappingFor returns where the parts of the source's notifications are.
func mappingFor(configured config.Source) Mapping {
	read := configured.Read
	return Mapping{
		Type: read.Type, Instance: read.Instance, ID: read.ID, Order: read.Order, SentAt: read.SentAt, Object: read.Object,
		Window: read.Window, EachOwn: read.Each == config.EachOwn,
		Split: read.Split,
	}
}
