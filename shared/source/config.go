package source

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice.internal/shared/config"
)

// Known is what configuration has to know about the providers.
func Known() map[string]config.Provider {
	known := make(map[string]config.Provider, len(registry))
	for name, provider := range registry {
		known[name] = config.Provider{
			Path: provider.Path, Patience: provider.Patience, Lists: slices.Sorted(maps.Keys(provider.Addresses)),
			Auth: provider.auth(), Auths: provider.auths(), GivesSecret: provider.GivesSecret, Check: provider.check,
		}
	}
	return known
}

// auth is how the configuration calls the provider's own proof.
func (p Provider) auth() string {
	switch own := p.Proof.(type) {
	case signature:
		return config.AuthSignature
	case token:
		if own.header == "" {
			return config.AuthPath
		}
	}
	return config.AuthToken
}

// auths are the ways that a source may choose instead.
func (p Provider) auths() []string {
	if !p.Configurable {
		return nil
	}
	return []string{config.AuthBasic, config.AuthHeader, config.AuthPath, config.AuthSignature}
}

// ProofFor makes the proof that a source configures. It is nil where everybody may send.
func (p Provider) ProofFor(configured config.Source) (Proof, error) {
	switch configured.Auth {
	case config.AuthNone:
		return nil, nil //nolint:nilnil // That is no proof, as configured.
	case config.AuthCertificate:
		return Certificate(), nil
	case config.AuthBasic:
		return Basic(), nil
	case config.AuthHeader:
		return Token(configured.TokenHeader), nil
	case config.AuthPath:
		return PathSecret(), nil
	case config.AuthSignature:
		return p.signatureFor(configured)
	default:
		return p.Proof, nil
	}
}

// signatureFor is the provider's signature with what the source changes about it.
func (p Provider) signatureFor(configured config.Source) (Proof, error) {
	chosen := Signature{
		Header: configured.Signature.Header, Prefix: configured.Signature.Prefix, Separator: configured.Signature.Separator,
		Encoding: configured.Signature.Encoding, Hash: configured.Signature.Hash, Signed: configured.Signature.Signed,
		TimestampHeader: configured.Signature.TimestampHeader, TimestampPrefix: configured.Signature.TimestampPrefix,
		IDHeader: configured.Signature.IDHeader, Tolerance: configured.Tolerance,
	}
	own, ok := p.Proof.(signature)
	if ok {
		chosen = chosen.Or(own.Signature)
	}
	if chosen.Prefix == noPrefix {
		chosen.Prefix = ""
	}
	return chosen.Proof()
}

// noPrefix takes away the prefix that a provider's signature has.
const noPrefix = "none"

// SecretsFor are what requests of the source are held against: its tokens and secrets, or names of certificates.
func SecretsFor(configured config.Source) []Secret {
	var secrets []Secret
	for _, name := range configured.Certificates {
		if configured.Auth == config.AuthCertificate {
			secrets = append(secrets, Secret{Text: name})
		}
	}
	for _, one := range configured.Credentials() {
		secrets = append(secrets, Secret{Text: one.Secret.Reveal(), From: one.From, Until: one.Until})
	}
	return secrets
}

// ReadingFor is where the source's notifications have what they have.
func ReadingFor(configured config.Source) Reading {
	read := configured.Read
	return Reading{
		Type: read.Type, Instance: read.Instance, ID: read.ID, Order: read.Order, SentAt: read.SentAt, Object: read.Object,
	}
}

// check finds what only the provider can find wrong with a source.
func (p Provider) check(configured config.Source) []config.SourceFault {
	var faults []config.SourceFault
	add := func(key string, err error) {
		for _, line := range linesOf(err) {
			faults = append(faults, config.SourceFault{Key: key, Message: line})
		}
	}
	add(p.checkReading(configured))
	if configured.Signature != (config.Signature{}) && configured.Auth != config.AuthSignature {
		add("signature", fmt.Errorf("is set, but auth is %s, which has none", configured.Auth))
	}
	proof, err := p.ProofFor(configured)
	if err != nil {
		add("signature", err)
		return faults
	}
	for i, one := range configured.Credentials() {
		if proof == nil {
			break
		}
		key := "secrets"
		if i < len(configured.Tokens) {
			key = "token"
		}
		if _, err := proof.key(one.Secret.Reveal()); err != nil && !errors.Is(err, errEmptySecret) {
			add(key, fmt.Errorf("a secret of the source %w", err))
		}
	}
	return faults
}

func (p Provider) checkReading(configured config.Source) (key string, err error) {
	reading := ReadingFor(configured)
	given := strings.Join(reading.places(), "") != ""
	switch {
	case given && !p.Configurable:
		return "read", fmt.Errorf("is for provider generic; provider %q knows where its notifications have what they have", p.Name)
	case !p.Configurable:
		return "", nil
	case reading.Type == "":
		return "read.type", errors.New("is missing: say where the type is, or constant:NAME for one type")
	}
	return "read", reading.Check()
}

func linesOf(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}
