//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestComposeOnAMachineThatHasNeverSeenIt goes through one deployment's life, since every start takes its time.
func TestComposeOnAMachineThatHasNeverSeenIt(t *testing.T) { //nolint:paralleltest // It would take the processors from others.
	d := deploy(t, "one", "10.213.1.0/24")
	d.up()
	authorization := "Bearer " + d.token()
	t.Run("a notification through nginx becomes an event", func(t *testing.T) { d.in(t).accepts(authorization) })
	t.Run("what the gateway refuses comes through as it says it", func(t *testing.T) { d.in(t).refuses(authorization) })
	t.Run("a length that can be read in two ways is refused", func(t *testing.T) { d.in(t).refusesAmbiguousLengths(authorization) })
	t.Run("what is no HTTP is answered once, in the same form", func(t *testing.T) { d.in(t).answersMalformedRequests() })
	t.Run("large bodies that do not end keep small ones from nobody", func(t *testing.T) { d.in(t).boundsLargeBodies(authorization) })
	t.Run("secrets in paths and queries are in no log of nginx", func(t *testing.T) { d.in(t).logsNoSecrets() })
	t.Run("containers may nothing that they do not need", func(t *testing.T) { d.in(t).isConfined() })
	t.Run("images are small and hold no secret", func(t *testing.T) { d.in(t).hasSmallImages() })
	t.Run("a forged address does not pass the allowlist", func(t *testing.T) { d.in(t).refusesForgedAddresses(authorization) })
	t.Run("gateways come, go and are replaced under load", func(t *testing.T) { d.in(t).scales() })
	t.Run("everything is there after down, loss of the disk and restore", func(t *testing.T) { d.in(t).survivesDownAndUp(authorization) })
	t.Run("tokens overlap while they are changed", func(t *testing.T) { d.in(t).rotatesTokens(authorization) })
	t.Run("nginx serves HTTPS and HTTP/2 and no token in the clear", func(t *testing.T) { d.in(t).servesTLS() })
}

// in is the deployment for a part of a test.
func (d *deployment) in(t *testing.T) *deployment {
	t.Helper()
	part := *d
	part.t = t
	return &part
}

const call = `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1101000001,"wid":"71231234567@c.us",` +
	`"typeInstance":"whatsapp"},"timestamp":1749207600,"idMessage":"ID","from":"79001234500@c.us","status":"offer"}`

func callWith(id string) []byte { return []byte(strings.Replace(call, "ID", id, 1)) }

func (d *deployment) events() int { return strings.Count(d.sluice("events", "--json"), "\n") }

func (d *deployment) accepts(authorization string) {
	got := d.post(callWith("FIRST"), "Authorization", authorization)
	if got.status != http.StatusOK || got.header.Get("Sluice-Receipt") == "" {
		d.t.Fatalf("answered %d %s", got.status, got.body)
	}
	d.eventually("the event", func() bool { return strings.Contains(d.sluice("events", "--json"), `"FIRST"`) })
}

func (d *deployment) refuses(authorization string) {
	tests := []struct {
		name   string
		got    reply
		status int
		code   string
		// own is set where nginx answers by itself.
		own bool
	}{
		{"no token", d.post(callWith("X")), 401, "unauthorized", false},
		{"wrong token", d.post(callWith("X"), "Authorization", "Bearer wrong"), 401, "unauthorized", false},
		{"too large", d.post(make([]byte, 8<<20+1), "Authorization", authorization), 413, "body_too_large", false},
		{"far too large", d.post(make([]byte, 10<<20), "Authorization", authorization), 413, "body_too_large", true},
		{"GET", d.request(http.DefaultClient, http.MethodGet, d.url+"/green-api/webhook/", nil), 405, "method_not_allowed", false},
		{"another path", d.request(http.DefaultClient, http.MethodPost, d.url+"/other", nil), 404, "not_found", false},
		{"readiness from outside", d.request(http.DefaultClient, http.MethodGet, d.url+"/readyz", nil), 404, "not_found", true},
	}
	for _, test := range tests {
		if test.got.status != test.status || test.got.code != test.code {
			d.t.Errorf("%s: answered %d %s", test.name, test.got.status, test.got.body)
		}
		if own := test.got.header.Get("Sluice-Request-Id") == ""; own != test.own {
			d.t.Errorf("%s: answered by nginx itself: %t", test.name, own)
		}
	}
	d.limitsVisitorsAlone(authorization)
	if logged := d.compose("logs", "nginx"); strings.Contains(logged, strings.TrimPrefix(authorization, "Bearer ")) {
		d.t.Error("the token is in the log of nginx")
	}
}

// limitsVisitorsAlone comes too often: without notifications that is refused, with them it is not.
func (d *deployment) limitsVisitorsAlone(authorization string) {
	d.t.Helper()
	refused := 0
	for range 200 {
		if got := d.request(http.DefaultClient, http.MethodGet, d.url+"/green-api/webhook/", nil); got.status == http.StatusTooManyRequests {
			refused++
			if got.code != "too_many_requests" || got.header.Get("Retry-After") == "" {
				d.t.Fatalf("answered %d %s", got.status, got.body)
			}
		}
	}
	if refused == 0 {
		d.t.Error("200 visits in a row are all answered")
	}
	for range 200 {
		if got := d.post(callWith("FIRST"), "Authorization", authorization); got.status != http.StatusOK {
			d.t.Fatalf("a notification was answered %d %s", got.status, got.body)
		}
	}
}

// container is what Docker says about one.
type container struct {
	Config struct {
		User   string
		Labels map[string]string
		Env    []string
	}
	HostConfig struct {
		ReadonlyRootfs bool
		CapDrop        []string
		SecurityOpt    []string
		Memory         int64
		LogConfig      struct{ Config map[string]string }
		PortBindings   map[string][]struct{ HostPort string }
		RestartPolicy  struct{ Name string }
	}
	Size int64
}

func (d *deployment) inspect(names ...string) []container {
	d.t.Helper()
	var all []container
	if err := json.Unmarshal([]byte(d.docker(append([]string{"inspect"}, names...)...)), &all); err != nil {
		d.t.Fatal(err)
	}
	return all
}

func (d *deployment) isConfined() {
	for _, service := range []string{"nats", "worker", "gateway", "nginx"} {
		c := d.inspect(d.containers(service)...)[0]
		if c.Config.User != "65532:65532" || !c.HostConfig.ReadonlyRootfs || c.HostConfig.Memory == 0 ||
			len(c.HostConfig.CapDrop) != 1 || c.HostConfig.CapDrop[0] != "ALL" ||
			len(c.HostConfig.SecurityOpt) != 1 || c.HostConfig.SecurityOpt[0] != "no-new-privileges:true" ||
			c.HostConfig.LogConfig.Config["max-size"] == "" || c.HostConfig.RestartPolicy.Name != "unless-stopped" {
			d.t.Errorf("%s: %+v", service, c)
		}
		if open := len(c.HostConfig.PortBindings) > 0; open != (service == "nginx") {
			d.t.Errorf("%s has ports on the host: %t", service, open)
		}
	}
}

func (d *deployment) hasSmallImages() {
	const maxSize = 30 << 20
	secret := d.token()
	for _, image := range []string{"sluice-gateway:e2e", "sluice-worker:e2e", "sluice:e2e"} {
		c := d.inspect(image)[0]
		if c.Size > maxSize && image != "sluice:e2e" {
			d.t.Errorf("%s has %d MB", image, c.Size>>20)
		}
		d.t.Logf("%s: %.1f MB", image, float64(c.Size)/(1<<20))
		if c.Config.Labels["org.opencontainers.image.version"] != "e2e" || c.Config.User != "65532:65532" {
			d.t.Errorf("%s: %+v", image, c.Config)
		}
		if history := d.docker("history", "--no-trunc", image); strings.Contains(history, secret) {
			d.t.Errorf("%s has the token in it", image)
		}
	}
	if got := d.docker("run", "--rm", "sluice-gateway:e2e", "--version"); got != "gateway e2e" {
		d.t.Errorf("the gateway calls itself %q", got)
	}
}

func (d *deployment) refusesForgedAddresses(authorization string) {
	before := d.environ
	d.set("SLUICE_SOURCES_GREEN_API_ALLOW", "192.0.2.0/24")
	d.up("gateway")
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"} {
		value := "192.0.2.1"
		if header == "Forwarded" {
			value = "for=192.0.2.1"
		}
		got := d.post(callWith("FORGED"), "Authorization", authorization, header, value)
		if got.status != http.StatusForbidden || got.code != "address_not_allowed" {
			d.t.Errorf("%s: answered %d %s", header, got.status, got.body)
		}
	}
	d.environ = before
	d.up("gateway")
	if got := d.post(callWith("FIRST"), "Authorization", authorization); got.status != http.StatusOK {
		d.t.Errorf("without a list: answered %d %s", got.status, got.body)
	}
}

func (d *deployment) scales() {
	d.up("--scale", "gateway=2", "--scale", "worker=2")
	l := d.load()
	mark, _ := l.report("before", 0)
	d.up("--no-recreate", "--scale", "gateway=3", "--scale", "worker=4")
	d.eventually("a new gateway gets requests", func() bool { return d.gatewaysAsked() >= 3 })
	l.accepted(100)
	mark, failed := l.report("from two gateways to three", mark)
	d.none(failed)

	for _, id := range d.containers("gateway") {
		d.replace(id)
		l.accepted(50)
	}
	mark, failed = l.report("each gateway replaced", mark)
	d.none(failed)

	d.compose("restart", "nginx")
	l.accepted(100)
	mark, _ = l.report("nginx restarted", mark)

	d.up("--no-recreate", "--scale", "gateway=1", "--scale", "worker=1")
	l.accepted(100)
	_, failed = l.report("down to one gateway", mark)
	d.none(failed)
	l.finish()
}

// replace stops a gateway as a rolling upgrade does and starts another one in its place.
func (d *deployment) replace(id string) {
	d.t.Helper()
	d.docker("stop", id)
	d.docker("rm", id)
	d.up("--no-recreate", "--scale", "gateway=3", "--scale", "worker=4")
}

func (d *deployment) none(failed []attempt) {
	d.t.Helper()
	if len(failed) > 0 {
		d.t.Errorf("%d attempts failed", len(failed))
	}
}

// gatewaysAsked counts the gateways that nginx has lately handed requests to.
func (d *deployment) gatewaysAsked() int {
	asked := map[string]bool{}
	for line := range strings.Lines(d.compose("logs", "--no-log-prefix", "--tail", "100", "nginx")) {
		var request struct{ Gateway string }
		if json.Unmarshal([]byte(line), &request) == nil && request.Gateway != "" {
			asked[request.Gateway] = true
		}
	}
	return len(asked)
}

// survivesDownAndUp also takes a backup while everything is down, loses the volume, and puts the backup into a new one.
func (d *deployment) survivesDownAndUp(authorization string) {
	before := d.events()
	d.compose("down")
	backup, volume := d.t.TempDir(), d.project+"_nats"
	d.inVolume(volume, backup, "tar", "-C", "/volume", "-cf", "/backup/nats.tar", ".")
	d.docker("volume", "rm", volume)
	d.compose("up", "--no-start", "--no-build")
	d.inVolume(volume, backup, "tar", "-C", "/volume", "-xf", "/backup/nats.tar")
	d.up()
	if after := d.events(); after != before || before == 0 {
		d.t.Errorf("%d events before, %d after", before, after)
	}
	for _, id := range []string{"FIRST", "AFTERWARDS"} {
		if got := d.post(callWith(id), "Authorization", authorization); got.status != http.StatusOK {
			d.t.Errorf("answered %d %s", got.status, got.body)
		}
	}
	d.eventually("the next event", func() bool { return strings.Contains(d.sluice("events", "--json"), `"AFTERWARDS"`) })
	if after := d.events(); after != before+1 {
		d.t.Errorf("a repetition is not known any more: %d events before, %d after", before, after)
	}
}

// inVolume runs a command with a volume and a folder of the host, as the documentation does.
func (d *deployment) inVolume(volume, backup string, command ...string) {
	d.t.Helper()
	d.docker(append([]string{
		"run", "--rm", "--volume", volume + ":/volume", "--volume", backup + ":/backup", "nats:2.15.2-alpine",
	}, command...)...)
}

func (d *deployment) rotatesTokens(old string) {
	added := "Bearer " + strings.TrimSpace(d.secrets("add"))
	d.compose("restart", "gateway")
	d.up()
	for _, authorization := range []string{old, added} {
		if got := d.post(callWith("ROTATE"), "Authorization", authorization); got.status != http.StatusOK {
			d.t.Errorf("while both are valid: answered %d %s", got.status, got.body)
		}
	}
	d.secrets("retire")
	d.compose("restart", "gateway")
	d.up()
	if got := d.post(callWith("ROTATE"), "Authorization", added); got.status != http.StatusOK {
		d.t.Errorf("the new token: answered %d %s", got.status, got.body)
	}
	if got := d.post(callWith("ROTATE"), "Authorization", old); got.status != http.StatusUnauthorized {
		d.t.Errorf("the old token: answered %d %s", got.status, got.body)
	}
}

// secrets runs a command on the secrets as the one who may write them.
func (d *deployment) secrets(command string) string {
	d.t.Helper()
	return d.compose("run", "--rm", "--no-TTY", "secrets", "secrets", command, "/secrets", "--owner=65532")
}

func (d *deployment) servesTLS() {
	certificates, client := selfSigned(d.t)
	d.set("SLUICE_NGINX", "tls")
	d.set("SLUICE_CERTIFICATES", certificates)
	d.up("nginx")
	token := "Bearer " + d.token()
	got := d.request(client, http.MethodPost, d.https()+"/green-api/webhook/", callWith("TLS"), "Authorization", token)
	if got.status != http.StatusOK {
		d.t.Errorf("answered %d %s", got.status, got.body)
	}
	if got := d.post(callWith("CLEAR"), "Authorization", token); got.status != http.StatusForbidden || got.code != "https_required" {
		d.t.Errorf("plain HTTP: answered %d %s", got.status, got.body)
	}
	if logged := d.compose("logs", "--no-log-prefix", "nginx"); !bytes.Contains([]byte(logged), []byte(`"tls":"TLSv1.3"`)) {
		d.t.Error("no request over TLS 1.3 in the log")
	}
}

// https is where nginx serves HTTPS.
func (d *deployment) https() string {
	d.t.Helper()
	return "https://" + strings.TrimSpace(d.compose("port", "nginx", "8443"))
}
