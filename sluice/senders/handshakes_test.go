package senders_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What senders were seen to ask before they send is answered, and is no notification.
func TestHandshakesOfTheFieldAreAnswered(t *testing.T) {
	t.Parallel()
	l := start(t, `
gateway: {listen: "127.0.0.1:0"}
sources:
  meta: {provider: whatsapp-cloud, path: /meta/webhook, token: `+secret+`, challenge: {password: secret}}
  crm: {provider: generic, path: /crm/webhook, token: `+secret+`, read: {type: /event}, challenge: {method: GET}}
  woo: {provider: woocommerce, path: /woo/webhook, token: `+secret+`}
`)
	for file, want := range map[string]string{"verify-get-hub-challenge.http": "1158201444", "verify-head.http": "", "verify-ping-unsigned.http": ""} {
		content, err := os.ReadFile(filepath.Join("testdata", "field", file))
		if err != nil {
			t.Fatal(err)
		}
		connection, err := (&net.Dialer{Timeout: timeout}).DialContext(t.Context(), "tcp", l.address)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		if _, err := connection.Write(content); err != nil {
			t.Fatal(err)
		}
		method, _, _ := strings.Cut(string(content), " ")
		response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK || string(body) != want {
			t.Errorf("%s is answered %d %q, error %v", file, response.StatusCode, body, err)
		}
		if receipt := response.Header.Get("Sluice-Receipt"); receipt != "" {
			t.Errorf("%s was stored, receipt %s", file, receipt)
		}
	}
}
