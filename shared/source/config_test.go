package source_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// faults loads a configuration and returns what is wrong with it, without the file's folder.
func faults(t *testing.T, yaml string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(config.Options{File: file, Providers: source.Known()})
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), filepath.Dir(file)+"/", "")
}

const (
	secret = "the-secret-of-this-source"
	whsec  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	good   = "token: " + secret
)

func TestEveryProviderIsConfiguredByItsSecretAlone(t *testing.T) {
	t.Parallel()
	yaml := "sources:\n"
	for _, name := range source.Names() {
		switch name {
		case "standard-webhooks":
			yaml += "  " + name + ": {token: " + whsec + "}\n"
		case "generic":
			yaml += "  " + name + ": {" + good + ", read: {type: /type}}\n"
		case "twilio", "discord", "paypal": // TestPresetsRefuseASourceThatLacksWhatTheyVerifyBy
		default:
			yaml += "  " + name + ": {" + good + "}\n"
		}
	}
	if got := faults(t, yaml); got != "" || len(source.Names()) < 10 {
		t.Errorf("%d providers: %s", len(source.Names()), got)
	}
}

func TestWhatASourceCanNotHaveIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ source, want string }{
		"a hash that is none": {
			"timepad: {" + good + ", signature: {hash: md4}}", `sources.timepad.signature.hash: "md4" is not one of sha256, sha1, sha512, md5`,
		},
		"a signature without the body": {
			"timepad: {" + good + ", signature: {signed: '{timestamp}'}}",
			"sources.timepad.signature: signature.signed must have {body} in it or a part of the body, as in {/order/id}: else the signature of one notification fits every other\n" +
				"sluice.yaml:1: sources.timepad.signature: signature.signed has {timestamp} in it, so signature.timestamp_header, signature.timestamp_prefix or signature.timestamp_at must say where it is",
		},
		"an id that is nowhere": {
			"timepad: {" + good + ", signature: {signed: '{id}{body}'}}",
			"sources.timepad.signature: signature.signed has {id} in it, so signature.id_header or signature.id_at must say where it is",
		},
		"a signature without a header": {
			"generic: {" + good + ", auth: signature, read: {type: /a}}", "sources.generic.signature: signature.header is missing: say in which header the signature is, or with signature.at where else",
		},
		"a signature of a source with tokens": {
			"green-api: {" + good + ", signature: {hash: sha1}}", "sources.green-api.signature: is set, but auth is token, which has none",
		},
		"a secret of Standard Webhooks that is none": {
			"standard-webhooks: {token: whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}",
			"sources.standard-webhooks.token: a secret of the source must have the base64 of 32 bytes behind whpk_",
		},
		"a secret that can't be in a path": {
			"sms-by: {secrets: [{secret: a/secret/with/slashes}]}",
			"sources.sms-by.secrets: a secret of the source has characters that do not stand for themselves in a path; use letters, digits, '-', '.', '_' and '~'",
		},
		"a generic source without a type": {
			"generic: {" + good + "}", "sources.generic.read.type: is missing: say where the type is, or constant:NAME for one type",
		},
		"places that are none": {
			"generic: {" + good + ", read: {type: a, order: '$.x['}}",
			`sources.generic.read: place "a" is no place; write for example /event/type, $.event.type, header:X-Event, query:event, constant:order, key:message,edit, root or body` + "\n" +
				`sluice.yaml:1: sources.generic.read: place "$.x[" is no JSON path of names and indices; write for example $.items[0].id`,
		},
		"a reading of a provider that knows itself": {
			"stripe: {" + good + ", read: {type: /a}}", `sources.stripe.read: is for provider generic, apart from window and each; provider "stripe" knows where its notifications have what they have`,
		},
		"no secret of a provider that gives it": {
			"slack: {}", "sources.slack: has no secret; set SLUICE_SOURCES_SLACK_TOKEN_FILE or secrets, or auth: none to believe anybody",
		},
		"a header that is not named": {
			"generic: {" + good + ", auth: header, read: {type: /a}}", "sources.generic.token_header: is missing: name the header that has the token",
		},
		"a parameter that is not named": {
			"generic: {" + good + ", auth: query, read: {type: /a}}", "sources.generic.token_parameter: is missing: name the parameter of the URL that has the token",
		},
		"a place in the body that is not named": {
			"generic: {" + good + ", auth: body, read: {type: /a}}", "sources.generic.token_at: is missing: say where the body has the token, as in /secret",
		},
		"a URL that nobody knows": {
			"generic: {" + good + ", auth: signature, signature: {header: X-S, signed: '{url}{body}'}, read: {type: /a}}",
			"sources.generic.signature: signature.signed has {url} in it, so gateway.public_url must say how senders call the gateway, as in https://hooks.example.org",
		},
		"a public key that is none": {
			"generic: {" + good + ", auth: signature, signature: {header: X-S, algorithm: rsa}, read: {type: /a}}",
			"sources.generic.token: a secret of the source is no public key: it is neither PEM nor in hexadecimal digits nor in base64",
		},
		"no public key": {
			"generic: {auth: signature, signature: {header: X-S, algorithm: ed25519}, read: {type: /a}}",
			"sources.generic: has no secret; set SLUICE_SOURCES_GENERIC_TOKEN_FILE or secrets, or auth: none to believe anybody",
		},
		"a second way without its kind": {
			"generic: {" + good + ", read: {type: /a}, also: [{secret: " + secret + "}]}", "sources.generic.also[0].auth: is missing: say how senders prove who they are",
		},
		"a second way without its place": {
			"generic: {" + good + ", read: {type: /a}, also: [{auth: query, secret: " + secret + "}]}",
			"sources.generic.also[0].token_parameter: is missing: name the parameter of the URL that has the token",
		},
		"a second way without a secret": {
			"generic: {" + good + ", read: {type: /a}, also: [{auth: token}]}", "sources.generic.also[0]: has no secret; write secret_file, env or secret",
		},
		"a second way that can't work": {
			"generic: {" + good + ", read: {type: /a}, also: [{auth: signature, signature: {at: /sign}, secret: " + secret + "}]}",
			"sources.generic.also[0].signature: signature.signed has {body} in it, and the body has the signature in it; " +
				"write {body:unsigned} for the body without it, or name its parts",
		},
		"a second way of a provider that knows itself": {
			"stripe: {" + good + ", also: [{auth: token, secret: " + secret + "}]}",
			`sources.stripe.also: is for provider generic; provider "stripe" knows how its senders prove who they are`,
		},
		"a second way beside none": {
			"generic: {auth: none, read: {type: /a}, also: [{auth: token, secret: " + secret + "}]}",
			"sources.generic.also: says how senders prove who they are, but auth is none (sluice.yaml:1); remove one of them",
		},
		"a way that GitHub has not": {
			"github: {" + good + ", auth: basic}", `sources.github.auth: "basic" is not what senders of provider "github" can do; choose one of signature, none, certificate`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := faults(t, "sources: {"+test.source+"}\n"); got != "sluice.yaml:1: "+test.want {
				t.Errorf("got  %s\nwant sluice.yaml:1: %s", got, test.want)
			}
		})
	}
}

func TestSourceChangesWhatItsProviderSigns(t *testing.T) {
	t.Parallel()
	provider := source.Providers()["timepad"]
	configured := config.Source{Auth: config.AuthSignature, Signature: config.Signature{
		Header: "X-Sign", Prefix: "none", Hash: "sha512", Encoding: "base64",
	}}
	made, err := source.ProofFor(provider, configured)
	if err != nil {
		t.Fatal(err)
	}
	draft := &proof.Draft{URL: &url.URL{Path: "/hook"}, Header: http.Header{}, Body: []byte(`{"a":1}`), At: time.Now()}
	if err := made.Sign(draft, secret); err != nil {
		t.Fatal(err)
	}
	if value := draft.Header.Get("X-Sign"); len(value) != 88 || strings.Contains(value, "=sha") {
		t.Errorf("signed with %q", value)
	}
	request := &proof.Request{Header: draft.Header, Body: draft.Body, At: draft.At}
	for sentence, test := range map[string]struct {
		by   proof.Proof
		want bool
	}{"the source's": {made, true}, "the provider's own": {provider.Proof, false}} {
		verifier, err := proof.NewVerifier(test.by, proof.Secret{Text: secret})
		if err != nil {
			t.Fatal(err)
		}
		if got := verifier.Verify(request).OK; got != test.want {
			t.Errorf("%s way accepts it: %t, want %t", sentence, got, test.want)
		}
	}
}
