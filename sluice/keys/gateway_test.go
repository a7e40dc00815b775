package keys_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/sluice/up"
	"sluice.internal/sluice/up/uptest"
)

// early is well before the defaults of all timeouts, and long for one that is set to some milliseconds.
const early = 8 * time.Second

// answered makes an observation of the status that a request to the source shop gets.
func answered(body string, header http.Header) func(t *testing.T, cfg *config.Config) string {
	return func(t *testing.T, cfg *config.Config) string {
		t.Helper()
		gateway := uptest.Start(t, t.TempDir(), cfg).Description(t).GatewayURL
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gateway+"/shop", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header, request.Close = header.Clone(), true
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.Status
	}
}

// open is a configuration whose gateway and source have the keys beside those that every test needs.
func open(gateway, source string) string {
	return "gateway: {listen: '127.0.0.1:0'" + gateway + "}\nstreams: {lanes: 1, shards: 1}\n" +
		"sources: {shop: {provider: green-api, path: /shop" + source + "}}\n"
}

// left is an effect of a timeout: the gateway ends the connection of a client that sends this and no more.
func left(key, sent string) effect {
	return func(t *testing.T) {
		t.Helper()
		gateway := uptest.Start(t, t.TempDir(), load(t, open(", "+key+": 50ms", ", auth: none"))).Description(t).GatewayURL
		conn := dial(t, gateway)
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(early)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the connection is open after %s", early)
		}
	}
}

// dawdled observes whether a body that stops after its first byte is waited for.
func dawdled(t *testing.T, cfg *config.Config) string {
	t.Helper()
	conn := dial(t, uptest.Start(t, t.TempDir(), cfg).Description(t).GatewayURL)
	if _, err := io.WriteString(conn, "POST /shop HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(early)); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(conn)
	return string(answer[:min(len(answer), len("HTTP/1.1 408"))])
}

func dial(t *testing.T, gateway string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(gateway, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// stopped is the effect of gateway.shutdown_timeout: a request that never ends holds up the stop no longer.
func stopped(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	listening, ended := make(chan string, 1), make(chan error, 1)
	cfg := load(t, open(", shutdown_timeout: 1ms", ", auth: none"))
	go func() {
		ended <- up.Run(ctx, cfg, up.Options{
			Data: t.TempDir(), NATSListen: "127.0.0.1:0", Command: "sluice", Out: io.Discard,
		}, slog.New(slog.NewJSONHandler(addressIn{listening}, nil)))
	}()
	conn := dial(t, <-listening)
	if _, err := io.WriteString(conn, "POST /shop HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 100"))); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-ended:
		t.Log("stopped:", err) // It may say that a request was cut off.
	case <-time.After(early):
		t.Errorf("the stop takes longer than %s", early)
		t.Log("stopped:", <-ended)
	}
}

func gatewayEffects() map[string]effect {
	const notification = `{"typeWebhook":"incomingCall"}`
	forwarded := http.Header{"X-Forwarded-For": {"192.0.2.7"}}
	const named, trusted = ", auth: none, allow: [192.0.2.7]", ", trusted_proxies: [127.0.0.1]"
	broken := func(key, want string, files func(one, other pair) string) effect {
		return func(t *testing.T) {
			t.Helper()
			keys := files(newPair(t), newPair(t))
			if got := refused(t, load(t, open(", tls: {"+keys+"}", ", auth: none"))); !strings.Contains(got, want) {
				t.Errorf("%s: %s", key, got)
			}
		}
	}
	return map[string]effect{
		"gateway.listen": func(t *testing.T) {
			t.Helper()
			address := taken(t)
			if got := refused(t, load(t, "gateway: {listen: '"+address+"'}\n")); !strings.Contains(got, fmt.Sprintf("listen on %q", address)) {
				t.Errorf("with an address in use: %s", got)
			}
		},
		"gateway.trusted_proxies": differs(answered(notification, forwarded), open("", named), open(trusted, named)),
		"gateway.forwarded_header": differs(answered(notification, http.Header{"Forwarded": {"for=192.0.2.7"}}),
			open(trusted, named), open(trusted+", forwarded_header: Forwarded", named)),
		"gateway.body_limit": differs(answered(`{"a":"`+strings.Repeat("x", 4<<10)+`"}`, http.Header{}),
			open("", ", auth: none"), open(", body_limit: 1KiB", ", auth: none")),
		"sources.<source>.body_limit": differs(answered(`{"a":"`+strings.Repeat("x", 4<<10)+`"}`, http.Header{}),
			open("", ", auth: none"), open("", ", auth: none, body_limit: 1KiB")),
		"gateway.header_limit": differs(answered(notification, http.Header{"X-Long": {strings.Repeat("x", 16<<10)}}),
			open("", ", auth: none"), open(", header_limit: 1KiB", ", auth: none")),
		"gateway.header_timeout":   left("header_timeout", "POST /shop HTTP/1.1\r\nHost: x\r\n"),
		"gateway.read_timeout":     left("read_timeout", "POST /shop HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"),
		"gateway.idle_timeout":     left("idle_timeout", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
		"gateway.min_rate":         differs(dawdled, open("", ", auth: none"), open(", min_rate: 0", ", auth: none")),
		"gateway.shutdown_timeout": stopped,
		"gateway.tls.cert_file": broken("cert_file", "the gateway's certificate", func(one, other pair) string {
			return "cert_file: " + other.cert + ", key_file: " + one.key
		}),
		"gateway.tls.key_file": broken("key_file", "the gateway's certificate", func(one, other pair) string {
			return "cert_file: " + one.cert + ", key_file: " + other.key
		}),
		"gateway.tls.client_ca_file": broken("client_ca_file", "has no certificate in PEM", func(one, _ pair) string {
			return "client_ca_file: " + one.key
		}),
		"gateway.client_cert_header": func(t *testing.T) {
			t.Helper()
			one := newPair(t)
			keys, source := trusted+", tls: {client_ca_file: "+one.cert+"}", ", auth: certificate, certificates: [sender]"
			differs(answered(notification, http.Header{"X-Cert": {url.PathEscape(one.text)}}),
				open(keys, source), open(keys+", client_cert_header: X-Cert", source))(t)
		},
	}
}

// addressIn passes on the address of the gateway as it stands in the log.
type addressIn struct{ found chan<- string }

func (a addressIn) Write(line []byte) (int, error) {
	var said struct{ Msg, Address string }
	if json.Unmarshal(line, &said) == nil && said.Address != "" {
		select {
		case a.found <- said.Address:
		default:
		}
	}
	return len(line), nil
}
