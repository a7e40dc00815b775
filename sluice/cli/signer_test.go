package cli_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
	"sluice.internal/sluice/local"
)

const sendSecret = "the-secret-of-this-source"

// verifying is a gateway that accepts what the proof accepts, made with the secret, and remembers the requests.
type verifying struct {
	mutex    sync.Mutex
	requests []*http.Request
	bodies   []string
}

func (v *verifying) serve(t *testing.T, by proof.Proof, secret string) *gateway {
	t.Helper()
	verifier, err := proof.NewVerifier(by, proof.Secret{Text: secret})
	if err != nil {
		t.Fatal(err)
	}
	stored := storing()
	g := startGateway(t, nil)
	g.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		v.mutex.Lock()
		v.requests, v.bodies = append(v.requests, r), append(v.bodies, string(body))
		v.mutex.Unlock()
		rest := strings.Trim(strings.TrimPrefix(r.URL.Path, "/hook"), "/")
		if !verifier.Verify(&proof.Request{Header: r.Header, Rest: rest, Body: body, At: time.Now()}).OK {
			answering(401, `{"code":"unauthorized","message":"Send the right one."}`)(w, r)
			return
		}
		stored(w, r)
	})
	return g
}

func TestFilesAreSentAsTheSourcesProviderWould(t *testing.T) {
	t.Parallel()
	configuration := writeFile(t, "sluice.yaml", `
sources:
  github: {token: `+sendSecret+`}
  slack: {secrets: [{secret: not-yet-0123456789, from: 2126-01-01}, {secret: `+sendSecret+`}]}
  second: {provider: stripe, path: /hook, secrets: [{secret_file: `+writeFile(t, "secret", sendSecret)+`}]}
  sms-by: {token: `+sendSecret+`}
  crm:
    provider: generic
    auth: signature
    token: `+sendSecret+`
    signature: {header: X-Crm, hash: sha512, encoding: base64}
    read: {type: /type}
  within: {provider: generic, path: /within, auth: body, token_at: /auth/secret, token: `+sendSecret+`, read: {type: /type}}
`)
	crm, err := proof.Signature{Header: "X-Crm", Hash: "sha512", Encoding: "base64"}.Proof()
	if err != nil {
		t.Fatal(err)
	}
	proofs := map[string]proof.Proof{"crm": crm, "second": source.Providers()["stripe"].Proof, "within": proof.BodyToken("/auth/secret")}
	for name, test := range map[string]struct {
		body  string
		flags []string
		want  map[string]string
		sent  string // where the proof is a part of it
	}{
		"github": {`{"a":1}`, []string{"--type=push"}, map[string]string{"X-Github-Event": "push", "Content-Type": "application/json"}, ""},
		"slack":  {`{}`, nil, map[string]string{"Content-Type": "application/json"}, ""},
		"second": {`{}`, []string{"--header=X-A: b:c"}, map[string]string{"X-A": "b:c"}, ""},
		"sms-by": {`channel=VIBER`, nil, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, ""},
		"crm":    {`<a/>`, nil, map[string]string{"Content-Type": "application/xml"}, ""},
		"within": {`{"a":1,"auth":{"id":7}}`, nil, nil, `{"a":1,"auth":{"id":7,"secret":"` + sendSecret + `"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			used := proofs[name]
			if used == nil {
				used = source.Providers()[name].Proof
			}
			var seen verifying
			g := seen.serve(t, used, sendSecret)
			provider := map[string]string{"crm": "generic", "within": "generic", "second": "stripe"}[name]
			if provider == "" {
				provider = name
			}
			dir := dataFolder(t, local.Description{GatewayURL: g.URL, Sources: map[string]local.Source{name: {Path: "/hook", Provider: provider}}})
			args := append([]string{"send", "--config", configuration, "--data", dir, "--source", name, writeFile(t, "body", test.body)}, test.flags...)
			run(t, args...).fails(t, 0)
			if test.sent == "" {
				test.sent = test.body
			}
			if len(seen.bodies) != 1 || seen.bodies[0] != test.sent {
				t.Fatalf("sent %q", seen.bodies)
			}
			for field, want := range test.want {
				if got := seen.requests[0].Header.Get(field); got != want {
					t.Errorf("%s is %q, want %q", field, got, want)
				}
			}
		})
	}
}

func TestPresetNeedsNoConfigurationToBeSentAs(t *testing.T) {
	t.Parallel()
	var seen verifying
	g := seen.serve(t, source.Providers()["github"].Proof, sendSecret)
	typed{args: []string{"send", "--url", g.URL + "/hook", "--source=github", writeFile(t, "a.json", "{}")}, environ: []string{"SLUICE_TOKEN=" + sendSecret}}.
		run(t).fails(t, 0)
	dir := dataFolder(t, local.Description{GatewayURL: g.URL, Sources: map[string]local.Source{
		"mine": {Path: "/hook", Provider: "github", Auth: "signature", TokenFile: "mine.token"},
	}})
	writeToken(t, dir, "mine.token", sendSecret)
	run(t, "send", "--data", dir, "--source=mine", writeFile(t, "a.json", "{}")).fails(t, 0)
}

func TestConfiguredTokenGoesToNoOtherAddress(t *testing.T) {
	t.Parallel()
	configuration := writeFile(t, "sluice.yaml", "sources: {green-api: {token: "+sendSecret+"}, github: {token: "+sendSecret+"}}\n")
	var seen verifying
	g := seen.serve(t, source.Providers()["github"].Proof, sendSecret)
	run(t, "send", "--config", configuration, "--url", g.URL, writeFile(t, "a.json", "{}")).fails(t, 1)
	if value := seen.requests[0].Header.Get("Authorization"); value != "" {
		t.Errorf("the token went to an address that was typed: %q", value)
	}
	run(t, "send", "--config", configuration, "--url", g.URL+"/hook", "--source=github", writeFile(t, "a.json", "{}")).fails(t, 0)
	within := writeFile(t, "sluice.yaml", "sources: {crm: {provider: generic, path: /a, auth: body, token_at: /secret, token: "+sendSecret+", read: {type: /type}}}\n")
	run(t, "send", "--config", within, "--url", g.URL, "--source=crm", writeFile(t, "a.json", "{}")).fails(t, 1)
	if last := seen.bodies[len(seen.bodies)-1]; last != "{}" {
		t.Errorf("the token went to an address that was typed: %q", last)
	}
}

func TestHeaderThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"X-A", ":b", " : b"} {
		run(t, "send", "--header", field, "-").fails(t, 2, "--header must be a name, a colon and a value")
	}
}

func TestChallengeIsAnswered(t *testing.T) {
	t.Parallel()
	g := startGateway(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Sluice-Request-Id", "r")
		_, _ = io.WriteString(w, "abc")
	})
	run(t, "send", "--url", g.URL, "-").want(t, result{stdout: "-  200  answered  abc\n"})
}
