package source_test

import (
	"maps"
	"net/http"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// The id of a notification and its time come from the headers that the source's signature is configured with, and from no
// others.
func TestSignedIdAndTimeTravelWhateverTheirHeadersAreCalled(t *testing.T) {
	t.Parallel()
	const whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	headers := func(family string) http.Header {
		header := http.Header{}
		header.Set(family+"-Id", "msg_1")
		header.Set(family+"-Timestamp", "1749207600")
		header.Set(family+"-Signature", "v1,AAAA")
		header.Set("X-Request-Id", "another")
		return header
	}
	for name, test := range map[string]struct {
		signature config.Signature
		header    http.Header
		want      map[string]string
	}{
		"the standard's":  {config.Signature{}, headers("Webhook"), map[string]string{"Webhook-Id": "msg_1", "Webhook-Timestamp": "1749207600"}},
		"Svix's":          {config.Signature{}, headers("Svix"), map[string]string{"Webhook-Id": "msg_1", "Webhook-Timestamp": "1749207600"}},
		"those of a shop": {config.Signature{Header: "X-Shop-Signature", IDHeader: "X-Shop-Id", TimestampHeader: "X-Shop-Timestamp"}, headers("X-Shop"), map[string]string{"Webhook-Id": "msg_1", "Webhook-Timestamp": "1749207600"}},
		"others":          {config.Signature{Header: "X-Shop-Signature", IDHeader: "X-Shop-Id", TimestampHeader: "X-Shop-Timestamp"}, headers("Webhook"), nil},
		"none":            {config.Signature{}, http.Header{}, nil},
	} {
		made, err := source.Configure(map[string]config.Source{"billing": {
			Provider: "standard-webhooks", Auth: config.AuthSignature, Token: config.NewSecret(whsec), Signature: test.signature,
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := made[0].Carried(&proof.Request{Header: test.header}); !maps.Equal(got, test.want) || (got == nil) != (test.want == nil) {
			t.Errorf("%s: %v travel, want %v", name, got, test.want)
		}
	}
}
