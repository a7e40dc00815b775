//go:build e2e

package e2e_test

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answersMalformedRequests sends what nginx refuses by itself before it knows a path. The answer must not cost more than
// the request: no line of the error log, and none of its HTML pages.
func (d *deployment) answersMalformedRequests() {
	before := len(d.compose("logs", "--no-log-prefix", "nginx"))
	requests := []string{
		"GET /% HTTP/1.1\r\nHost: x\r\n\r\n", "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /.. HTTP/1.1\r\nHost: x\r\n\r\n",
		"x\r\n\r\n", "GET x HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/3.7\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", "GET /" + strings.Repeat("a", 20_000) + " HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	for _, request := range requests {
		answer := d.exchange(request)
		if !strings.Contains(answer, `{"code":"bad_request"`) || strings.Contains(answer, "<html>") {
			d.t.Errorf("%.40q: answered %q", request, answer)
		}
	}
	if got := d.request(http.DefaultClient, http.MethodGet, d.url+"/errors/400", nil); got.status != 404 || got.code != "not_found" {
		d.t.Errorf("an answer of nginx's own is a path for everybody: %d %s", got.status, got.body)
	}
	const perRequest = 400 // A line of the access log.
	if grown := len(d.compose("logs", "--no-log-prefix", "nginx")) - before; grown > (len(requests)+1)*perRequest {
		d.t.Errorf("%d requests made %d bytes of log", len(requests)+1, grown)
	}
}

// exchange sends bytes and returns everything until the connection is closed.
func (d *deployment) exchange(request string) string {
	d.t.Helper()
	conn := d.dial()
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		d.t.Fatal(err)
	}
	answer, _ := io.ReadAll(conn) // A reset is an end as well.
	return string(answer)
}

func (d *deployment) dial() net.Conn {
	d.t.Helper()
	to, err := url.Parse(d.url)
	if err != nil {
		d.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", to.Host)
	if err != nil {
		d.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

// boundsLargeBodies opens more connections with large bodies than nginx has room for in its file system.
func (d *deployment) boundsLargeBodies(authorization string) {
	const connections, each = 31, 6
	var answered int
	var held []net.Conn
	for range connections {
		conn := d.dial()
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /green-api/webhook/ HTTP/1.1\r\nHost: x\r\nContent-Length: 8900000\r\n\r\n"); err != nil {
			d.t.Fatal(err)
		}
		held = append(held, conn)
	}
	for _, conn := range held {
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		head := make([]byte, 12)
		if _, err := io.ReadFull(conn, head); err == nil && string(head) == "HTTP/1.1 429" {
			answered++
		}
	}
	if answered != connections-each {
		d.t.Errorf("%d of %d are refused, want all but %d", answered, connections, each)
	}
	if got := d.post(callWith("FIRST"), "Authorization", authorization); got.status != http.StatusOK {
		d.t.Errorf("a notification beside them is answered %d %s", got.status, got.body)
	}
}

// logsNoSecrets posts with secrets where providers put them while no gateway can be reached.
func (d *deployment) logsNoSecrets() {
	d.compose("stop", "gateway")
	for _, path := range []string{"/sms-by/webhook/PATHSECRET?token=QUERYSECRET", "/sms-by%2FPATHSECRET"} {
		if got := d.request(http.DefaultClient, http.MethodPost, d.url+path, []byte("{}")); got.code != "gateway_unavailable" {
			d.t.Errorf("answered %d %s", got.status, got.body)
		}
	}
	d.up("gateway")
	logged := d.compose("logs", "nginx")
	if strings.Contains(logged, "PATHSECRET") || strings.Contains(logged, "QUERYSECRET") {
		d.t.Error("a secret of the path or the query is in the log of nginx")
	}
	if !strings.Contains(logged, `"method":"POST","path":"/sms-by/...","status":503`) {
		d.t.Error("the log does not say that a request was refused")
	}
}

// The gateway believes the header about which certificate the client has shown.
func TestNginxAloneSaysWhichCertificateAClientHas(t *testing.T) {
	t.Parallel()
	text := read(t, "nginx/gateways.conf")
	if !strings.Contains(text, "proxy_set_header   X-Client-Cert     $ssl_client_escaped_cert;") {
		t.Error("a client can write its certificate into X-Client-Cert")
	}
	for _, name := range []string{"nginx/server.conf", "nginx/http.conf", "nginx/plain.conf", "nginx/tls.conf"} {
		if strings.Contains(read(t, name), "proxy_set_header") {
			t.Errorf("%s sets a header, which takes away those of gateways.conf there", name)
		}
	}
}

// read returns a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
