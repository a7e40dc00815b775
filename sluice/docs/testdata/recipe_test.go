package source_test

import (
	"net/http"
	"os"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// The test of the recipes lays this file beside the provider of docs/senders.md. RECIPE is its configuration.
func TestProviderOfTheRecipeTakesNotifications(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(config.Options{File: os.Getenv("RECIPE"), Providers: source.Known()})
	if err != nil {
		t.Fatal(err)
	}
	sources, err := source.Configure(cfg.Sources)
	if err != nil || len(sources) != 1 || sources[0].Path != "/acme/webhook" {
		t.Fatalf("sources %+v, error %v", sources, err)
	}
	for value, taken := range map[string]bool{"Bearer a-secret-of-this-source": true, "Bearer another-secret": false} {
		if sources[0].Verifier.Verify(&proof.Request{Header: http.Header{"Authorization": {value}}}).OK != taken {
			t.Errorf("%s: taken %t", value, !taken)
		}
	}
	n := &notification.Notification{Origin: notification.Origin{
		Source: "acme", Provider: "acme", Body: []byte(`{"event":"paid","shop":7,"order":"A-17","id":"e1"}`),
	}}
	n.Type, n.Instance = source.Providers()["acme"].Peek(n)
	what, fault := source.Interpret(source.Providers(), n)
	if got := what.Identity; fault != nil || got.Type != "paid" || got.Instance != "7" || got.OrderKey != "A-17" || got.Key == "" {
		t.Errorf("identity %+v, fault %v", got, fault)
	}
}
