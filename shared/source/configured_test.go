package source_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

func credential(secret string) config.Credential {
	return config.Credential{Secret: config.NewSecret(secret)}
}

func TestSourceIsConfiguredByItsNameAndSecretAlone(t *testing.T) {
	t.Parallel()
	got, err := source.Configure(map[string]config.Source{
		"stripe":    {Secrets: []config.Credential{credential(secret)}},
		"green-api": {Token: config.NewSecret(secret)},
	})
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	green, stripe := got[0], got[1]
	if green.Name != "green-api" || green.Path != "/green-api/webhook" || green.PublishDeadline != 30*time.Second ||
		green.BodyProves || green.Mapping != "" || green.Quarantine || !green.Allow.Allows(netip.Addr{}) || green.TakesEverybody() {
		t.Errorf("green-api is %+v", green)
	}
	request := &proof.Request{Header: http.Header{"Authorization": {"Bearer " + secret}}, At: time.Now()}
	if !green.Verifier.Verify(request).OK {
		t.Error("its token is refused")
	}
	if stripe.Name != "stripe" || !stripe.BodyProves || stripe.Verifier.Verify(request).OK {
		t.Errorf("stripe is %+v", stripe)
	}
}

func TestSourceHasWhatItsConfigurationSays(t *testing.T) {
	t.Parallel()
	got, err := source.Configure(map[string]config.Source{
		"crm": {
			Provider: "generic", Path: "/crm/", Auth: config.AuthHeader, TokenHeader: "X-Token", Token: config.NewSecret(secret),
			Read: config.Mapping{Type: "header:X-Event", ID: []string{"header:x-id"}}, Mode: config.ModeQuarantine,
			Allow: []string{"10.0.0.0/8"}, PublishDeadline: time.Second,
		},
		"open":  {Provider: "github", Path: "/open", Auth: config.AuthNone},
		"stars": {Provider: "github", Path: "/stars", Auth: config.AuthNone, Allow: []string{"10.0.0.0/8"}},
	})
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	crm, open, stars := got[0], got[1], got[2]
	if crm.Path != "/crm" || !crm.Quarantine || crm.PublishDeadline != time.Second || !strings.Contains(crm.Mapping, "header:X-Event") ||
		!slices.Equal(crm.Header, []string{"X-Event", "X-Id"}) || crm.Proofs[0] != proof.Token("X-Token") {
		t.Errorf("crm is %+v", crm)
	}
	for address, want := range map[string]bool{"10.1.1.1": true, "11.1.1.1": false} {
		if crm.Allow.Allows(netip.MustParseAddr(address)) != want {
			t.Errorf("%s may send: %t", address, !want)
		}
	}
	if open.Verifier != nil || !open.TakesEverybody() || stars.TakesEverybody() {
		t.Errorf("without authentication: %+v and %+v", open, stars)
	}
}

func TestAllFaultsOfSourcesAreToldAtOnceAndNoSecretIsRepeated(t *testing.T) {
	t.Parallel()
	_, err := source.Configure(map[string]config.Source{
		"a-unknown": {Provider: "unheard-of", Token: config.NewSecret(secret)},
		"b-none":    {Provider: "github"},
		"c-both":    {Provider: "github", Auth: config.AuthNone, Token: config.NewSecret(secret)},
		"d-list":    {Provider: "github", Token: config.NewSecret(secret), Allow: []string{"green-api"}},
		"e-secret":  {Provider: "standard-webhooks", Token: config.NewSecret("whpk_" + secret)},
		"f-mapping": {Provider: "generic", Token: config.NewSecret(secret), Read: config.Mapping{Type: "nowhere"}},
	})
	if err == nil {
		t.Fatal("no fault is found")
	}
	for _, want := range []string{
		`source "a-unknown": there is no provider "unheard-of"`,
		`source "b-none": has no token`,
		`source "c-both": has tokens and no authentication`,
		`source "d-list": provider "github" publishes no list of addresses called "green-api"`,
		`source "e-secret": secret 1: must have the base64 of 32 bytes behind whpk_`,
		`source "f-mapping": place "nowhere" is no place`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the fault %q is missing in %s", want, err)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("a secret is repeated: %s", err)
	}
}
