package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.internal/shared/config"
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

const good = "token: the-secret-of-this-source"

func TestEveryProviderIsConfiguredByItsSecretAlone(t *testing.T) {
	t.Parallel()
	yaml := "sources:\n"
	for _, name := range source.Names() {
		switch name {
		case "standard-webhooks":
			yaml += "  " + name + ": {token: " + whsec + "}\n"
		case "generic":
			yaml += "  " + name + ": {" + good + ", read: {type: /type}}\n"
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
			"timepad: {" + good + ", signature: {hash: md5}}", `sources.timepad.signature.hash: "md5" is not one of sha256, sha1, sha512`,
		},
		"a signature without the body": {
			"timepad: {" + good + ", signature: {signed: '{timestamp}'}}",
			"sources.timepad.signature: signature.signed must have {body} in it\n" +
				"sluice.yaml:1: sources.timepad.signature: signature.signed has {timestamp} in it, so signature.timestamp_header or signature.timestamp_prefix must say where it is",
		},
		"an id that is nowhere": {
			"timepad: {" + good + ", signature: {signed: '{id}{body}'}}",
			"sources.timepad.signature: signature.signed has {id} in it, so signature.id_header must say where it is",
		},
		"a signature without a header": {
			"generic: {" + good + ", auth: signature, read: {type: /a}}", "sources.generic.signature: signature.header is missing",
		},
		"a signature of a source with tokens": {
			"green-api: {" + good + ", signature: {hash: sha1}}", "sources.green-api.signature: is set, but auth is token, which has none",
		},
		"a secret of Standard Webhooks that is none": {
			"standard-webhooks: {" + good + "}", "sources.standard-webhooks.token: a secret of the source must be whsec_ and base64 behind it",
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
			`sources.generic.read: place "a" is no place; write for example /event/type, $.event.type, header:X-Event, constant:order or body` + "\n" +
				`sluice.yaml:1: sources.generic.read: place "$.x[" is no JSON path of names and indices; write for example $.items[0].id`,
		},
		"a reading of a provider that knows itself": {
			"stripe: {" + good + ", read: {type: /a}}", `sources.stripe.read: is for provider generic; provider "stripe" knows where its notifications have what they have`,
		},
		"no secret of a provider that gives it": {
			"slack: {}", "sources.slack: has no secret; set SLUICE_SOURCES_SLACK_TOKEN_FILE or secrets, or auth: none to believe anybody",
		},
		"a header that is not named": {
			"generic: {" + good + ", auth: header, read: {type: /a}}", "sources.generic.token_header: is missing: name the header that has the token",
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
	proof, err := provider.ProofFor(configured)
	if err != nil {
		t.Fatal(err)
	}
	w := way{proof: proof}
	request := w.made(t, secret, now)
	if value := request.Header.Get("X-Sign"); len(value) != 88 || strings.Contains(value, "=sha") {
		t.Errorf("signed with %q", value)
	}
	if !verifier(t, proof, source.Secret{Text: secret}).Verify(request).OK {
		t.Error("refused")
	}
	if verifier(t, provider.Proof, source.Secret{Text: secret}).Verify(request).OK {
		t.Error("the provider's own way accepts it too")
	}
}
