package senders_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-playground/webhooks/v6/github"
	"github.com/slack-go/slack"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stripe/stripe-go/v82/webhook"
	svix "github.com/svix/svix-webhooks/go"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// draft is a body signed by Sluice as the provider would.
func draft(t *testing.T, provider, secret, body string) *proof.Draft {
	t.Helper()
	d := &proof.Draft{URL: &url.URL{Path: "/"}, Header: http.Header{}, Body: []byte(body), At: time.Now()}
	if err := source.Providers()[provider].Proof.Sign(d, secret); err != nil {
		t.Fatal(err)
	}
	return d
}

func accepts(t *testing.T, provider, secret string, header http.Header, body string) bool {
	t.Helper()
	v, err := proof.NewVerifier(source.Providers()[provider].Proof, proof.Secret{Text: secret})
	if err != nil {
		t.Fatal(err)
	}
	return v.Verify(&proof.Request{Header: header, Body: []byte(body), At: time.Now()}).OK
}

func TestStripesLibraryAndSluiceAgree(t *testing.T) {
	t.Parallel()
	const body = `{"id":"evt_1","type":"a"}`
	if err := webhook.ValidatePayload([]byte(body), draft(t, "stripe", secret, body).Header.Get("Stripe-Signature"), secret); err != nil {
		t.Errorf("the library refuses Sluice's signature: %v", err)
	}
	made := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: secret})
	if !accepts(t, "stripe", secret, http.Header{"Stripe-Signature": {made.Header}}, body) {
		t.Error("Sluice refuses the library's signature")
	}
	old := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: secret, Timestamp: time.Now().Add(-6 * time.Minute)})
	for sentence, refused := range map[string]bool{
		"another body":   !accepts(t, "stripe", secret, http.Header{"Stripe-Signature": {made.Header}}, body+" "),
		"another secret": !accepts(t, "stripe", secret+"x", http.Header{"Stripe-Signature": {made.Header}}, body),
		"an old one":     !accepts(t, "stripe", secret, http.Header{"Stripe-Signature": {old.Header}}, body),
	} {
		if !refused {
			t.Errorf("Sluice accepts %s", sentence)
		}
	}
}

func TestStandardWebhooksLibraryAndSluiceAgree(t *testing.T) {
	t.Parallel()
	const body = `{"type":"user.created"}`
	library, err := standardwebhooks.NewWebhook(whsec)
	if err != nil {
		t.Fatal(err)
	}
	if err := library.Verify([]byte(body), draft(t, "standard-webhooks", whsec, body).Header); err != nil {
		t.Errorf("the library refuses Sluice's signature: %v", err)
	}
	at := time.Now()
	signature, err := library.Sign("msg_1", at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	header := draft(t, "standard-webhooks", whsec, body).Header
	header.Set(standardwebhooks.HeaderWebhookID, "msg_1")
	header.Set(standardwebhooks.HeaderWebhookSignature, "v1,AAAA "+signature)
	if !accepts(t, "standard-webhooks", whsec, header, body) {
		t.Error("Sluice refuses the library's signature beside another one")
	}
	if !accepts(t, "standard-webhooks", strings.TrimPrefix(whsec, "whsec_"), header, body) {
		t.Error("Sluice refuses the secret without its prefix, which the library takes")
	}
	header.Set(standardwebhooks.HeaderWebhookID, "msg_2")
	if accepts(t, "standard-webhooks", whsec, header, body) {
		t.Error("Sluice accepts another id")
	}
}

// Svix has the standard's signature in headers of its own.
func TestSvixLibraryAndSluiceAgree(t *testing.T) {
	t.Parallel()
	const body = `{"type":"session.created"}`
	library, err := svix.NewWebhook(whsec)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	signature, err := library.Sign("msg_1", at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set("svix-id", "msg_1")
	header.Set("svix-timestamp", strconv.FormatInt(at.Unix(), 10))
	header.Set("svix-signature", signature)
	if err := library.Verify([]byte(body), header); err != nil {
		t.Fatalf("the library refuses what it signed: %v", err)
	}
	if !accepts(t, "standard-webhooks", whsec, header, body) || accepts(t, "standard-webhooks", whsec, header, body+" ") {
		t.Error("Sluice refuses the library's signature, or takes it for another body")
	}
	if err := library.Verify([]byte(body), draft(t, "standard-webhooks", whsec, body).Header); err != nil {
		t.Errorf("the library refuses Sluice's signature: %v", err)
	}
}

func TestSlacksLibraryTakesSluicesSignature(t *testing.T) {
	t.Parallel()
	const body = `{"type":"event_callback"}`
	for sentence, test := range map[string]struct {
		body, secret string
		want         bool
	}{
		"right": {body, secret, true}, "another body": {body + " ", secret, false}, "another secret": {body, secret + "x", false},
	} {
		header := draft(t, "slack", secret, body).Header
		library, err := slack.NewSecretsVerifier(header, test.secret)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := library.Write([]byte(test.body)); err != nil {
			t.Fatal(err)
		}
		if got := library.Ensure() == nil; got != test.want {
			t.Errorf("%s: the library accepts it: %t", sentence, got)
		}
		if got := accepts(t, "slack", test.secret, header, test.body); got != test.want {
			t.Errorf("%s: Sluice accepts it: %t", sentence, got)
		}
	}
}

func TestGitHubsLibraryTakesSluicesSignature(t *testing.T) {
	t.Parallel()
	const body = `{"ref":"refs/heads/main","commits":[]}`
	library, err := github.New(github.Options.Secret(secret))
	if err != nil {
		t.Fatal(err)
	}
	for sentence, test := range map[string]struct {
		body string
		want bool
	}{"right": {body, true}, "another body": {body + " ", false}} {
		request := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader([]byte(test.body)))
		request.Header = draft(t, "github", secret, body).Header
		request.Header.Set("X-GitHub-Event", "push")
		if _, err := library.Parse(request, github.PushEvent); (err == nil) != test.want {
			t.Errorf("%s: the library says %v", sentence, err)
		}
		if got := accepts(t, "github", secret, request.Header, test.body); got != test.want {
			t.Errorf("%s: Sluice accepts it: %t", sentence, got)
		}
	}
}

func TestNoProgramHasThoseLibraries(t *testing.T) {
	t.Parallel()
	senders := []string{"github.com/stripe/", "github.com/slack-go/", "github.com/standard-webhooks/", "github.com/go-playground/", "github.com/svix/"}
	server := append([]string{"github.com/nats-io/nats-server/", "sluice.internal/shared/streamtest"}, senders...)
	for program, libraries := range map[string][]string{
		"./gateway/cmd/gateway": server,
		"./worker/cmd/worker":   server,
		"./sluice/cmd/sluice":   senders, // `sluice up` has the server embedded.
	} {
		command := exec.Command("go", "list", "-deps", program)
		command.Dir = "../.."
		output, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, library := range libraries {
			if strings.Contains(string(output), library) {
				t.Errorf("%s has %s in it", program, library)
			}
		}
	}
}

func TestNoProductModuleRequiresWhatOnlyItsTestsWouldNeed(t *testing.T) {
	t.Parallel()
	senders := []string{"stripe-go", "slack-go", "standard-webhooks", "go-playground", "svix"}
	for module, libraries := range map[string][]string{
		"gateway": append([]string{"nats-server"}, senders...),
		"shared":  append([]string{"nats-server"}, senders...),
		"worker":  append([]string{"nats-server"}, senders...),
		"sluice":  senders, // `sluice up` has the server embedded.
	} {
		content, err := os.ReadFile(filepath.Join("..", "..", module, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		for _, library := range libraries {
			if strings.Contains(string(content), library) {
				t.Errorf("module %s requires %s", module, library)
			}
		}
	}
}
