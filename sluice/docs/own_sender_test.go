package docs_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
	"sluice.internal/sluice/up/uptest"
)

// What docs/senders.md says step by step is done here: its configuration takes its request, both from who signs as the text
// says and from the command that it names.
func TestSenderOfOnesOwnIsConfiguredAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	document := open(t, "docs/senders.md")
	document.text = document.section(t, "### Step by step")
	yaml, body := document.blocks("yaml"), document.blocks("json")
	if len(yaml) != 1 || len(body) != 1 {
		t.Fatalf("it has %d configurations and %d requests", len(yaml), len(body))
	}
	dir := t.TempDir()
	const secret = "a-secret-that-a-shop-shows-once"
	write(t, filepath.Join(dir, "acme"), secret)
	write(t, filepath.Join(dir, "order.json"), body[0])
	file := filepath.Join(dir, "sluice.yaml")
	write(t, file, strings.ReplaceAll(yaml[0], "/run/secrets/", dir+"/"))
	cfg, err := config.Load(config.Options{
		File: file, Flags: map[string]string{"gateway.listen": "127.0.0.1:0"}, Providers: source.Known(),
	})
	if err != nil {
		t.Fatal(err)
	}
	running := uptest.Start(t, t.TempDir(), cfg)

	url := running.Description(t).GatewayURL + "/acme/webhook"
	second := strings.Replace(body[0], "d-1", "d-2", 1)
	if status := postSigned(t, url, "another-secret-of-somebody", second); status != http.StatusUnauthorized {
		t.Errorf("a wrong secret is answered %d", status)
	}
	if status := postSigned(t, url, secret, second); status != http.StatusOK {
		t.Errorf("the shop is answered %d", status)
	}
	sluice(t, "send", "--data", running.Dir, "--config", file, "--source", "acme", filepath.Join(dir, "order.json"))
	shown := eventually(t, func() string { return sluice(t, "events", "--data", running.Dir, "--source", "acme", "--json") }, `"d-1"`)
	for _, want := range []string{`"type":"order.paid"`, `"instance":"7"`, `"order_key":"42"`, `"sent_at":"2026-01-01T00:00:00Z"`} {
		if strings.Count(shown, want) != 2 {
			t.Errorf("the events have not %s twice:\n%s", want, shown)
		}
	}
}

// postSigned sends a body as the shop of the document says that it does, and returns the status.
func postSigned(t *testing.T, url, secret, body string) int {
	t.Helper()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "." + body))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	request.Header.Set("X-Acme-Time", stamp)
	request.Header.Set("X-Acme-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}
