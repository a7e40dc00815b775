package source

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// check finds the faults of a source that only its provider can know: of its signature, its secrets and its mapping.
func check(p Provider, configured config.Source) []config.SourceFault {
	var faults []config.SourceFault
	add := func(key string, err error) {
		for _, line := range linesOf(err) {
			faults = append(faults, config.SourceFault{Key: key, Message: line})
		}
	}
	add(checkMapping(p, configured))
	faults = append(faults, checkTalk(p, configured)...)
	if len(configured.Also) > 0 && !p.Configurable {
		add("also", fmt.Errorf("is for provider generic; provider %q knows how its senders prove who they are", p.Name))
	}
	for i, way := range ways(configured) {
		section := ""
		if i > 0 {
			section = fmt.Sprintf("also[%d].", i-1)
		}
		checkProof(p, way, func(key string, err error) { add(section+key, err) })
	}
	return faults
}

// checkProof tells what is wrong with how requests prove where they come from, and with the secrets for that.
func checkProof(p Provider, configured config.Source, add func(key string, err error)) {
	if configured.Signature != (config.Signature{}) && configured.Auth != config.AuthSignature {
		add("signature", fmt.Errorf("is set, but auth is %s, which has none", configured.Auth))
	}
	made, err := ProofFor(p, configured)
	if err != nil {
		if configured.Auth == config.AuthSignature { // What else may be missing was told before.
			add("signature", err)
		}
		return
	}
	for i, one := range configured.Credentials() {
		if made == nil || one.Secret == (config.Secret{}) {
			continue
		}
		key := "secrets"
		if i < len(configured.Credentials())-len(configured.Secrets) {
			key = "token"
		}
		if err := proof.CheckSecret(made, one.Secret.Reveal()); err != nil && !errors.Is(err, proof.ErrEmptySecret) {
			add(key, fmt.Errorf("a secret of the source %w", err))
		}
	}
}

// checkTalk returns what is wrong with a source's challenge and answer.
func checkTalk(p Provider, configured config.Source) []config.SourceFault {
	var faults []config.SourceFault
	if challenge := challengeFor(p, configured); challenge.Method != "" || !reflect.ValueOf(configured.Challenge).IsZero() {
		signs := configured.Auth == "" || configured.Auth == config.AuthSignature
		for _, line := range linesOf(checkChallenge(challenge, configured.Challenge, signs)) {
			faults = append(faults, config.SourceFault{Key: "challenge", Message: line})
		}
	}
	if err := checkAnswer(configured.Answer); err != nil {
		faults = append(faults, config.SourceFault{Key: "answer", Message: err.Error()})
	}
	return faults
}

// checkMapping returns the fault of the keys below read, and the key that has it.
func checkMapping(p Provider, configured config.Source) (key string, err error) {
	read := mappingFor(configured)
	fixed := read
	if p.OptionalType {
		fixed.Type = ""
	}
	switch {
	case fixed.NamesPlaces() && !p.Configurable:
		return "read", fmt.Errorf("is for provider generic, apart from %s; provider %q knows where its notifications have what they have",
			readable(p), p.Name)
	case read.EachOwn && read.Window > 0:
		return "read.window", errors.New("means nothing with each: own, which takes no two requests for one")
	case read.Window < 0 || read.Window > mapping.MaxWindow:
		return "read.window", fmt.Errorf("must be between 0 and %s", mapping.MaxWindow)
	case p.Configurable && read.Type == "":
		return "read.type", errors.New("is missing: say where the type is, or constant:NAME for one type")
	}
	return "read", read.Check()
}

// readable names the keys below read that every source may have.
func readable(p Provider) string {
	if p.OptionalType {
		return "type, window and each"
	}
	return "window and each"
}

// linesOf splits joined errors, so that each fault gets a line with its place in the file.
func linesOf(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}
