//go:build e2e

package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nats runs a NATS server as a process of its own, configured as docs/operate.md says.
func nats(t *testing.T) (url string) {
	t.Helper()
	return natsTaking(t, "9MB")
}

// natsTaking runs a NATS server that takes messages of a size.
func natsTaking(t *testing.T, maxPayload string) (url string) {
	t.Helper()
	address := freeAddress(t)
	file := filepath.Join(t.TempDir(), "nats.conf")
	write(t, file, "listen: \""+address+"\"\nmax_payload: "+maxPayload+"\njetstream { store_dir: \""+t.TempDir()+"\", sync_interval: always }\n")
	run(t, "nats-server", "-c", file).waitFor("Server is ready")
	return "nats://" + address
}

func TestPartsRunAsProcessesOfTheirOwn(t *testing.T) {
	t.Parallel()
	url := nats(t)
	token := filepath.Join(t.TempDir(), "token")
	write(t, token, "a-token-for-the-test\n")
	address := freeAddress(t)
	edge := program(t, "gateway", "--nats-url", url, "--listen", address)
	edge.Env = append(os.Environ(), "SLUICE_SOURCES_GREEN_API_TOKEN_FILE="+token)
	runCommand(t, edge).waitFor("gateway")
	first := run(t, "worker", "--nats-url", url)
	first.waitFor("worker started")
	run(t, "worker", "--nats-url", url, "--group", "calls", "--types", "incomingCall", "--intake", "false").waitFor("worker started")

	files, err := filepath.Glob(filepath.Join(samples(t), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	half := len(files) / 2
	send := append([]string{"send", "--url", "http://" + address + "/green-api/webhook/", "--token-file", token}, files[:half]...)
	if _, code := sluice(t, send...); code != 0 {
		t.Fatal("sending failed")
	}
	listed(t, half, "events", "--nats", url, "--json")
	first.signal(syscall.SIGKILL)
	first.exit()
	send = append(send[:5], files[half:]...)
	if _, code := sluice(t, send...); code != 0 {
		t.Fatal("sending failed while no worker takes in")
	}
	run(t, "worker", "--nats-url", url).waitFor("worker started")
	if got := len(listed(t, len(files), "events", "--nats", url, "--json")); got != len(files) {
		t.Errorf("%d events of %d notifications", got, len(files))
	}
	if out, _ := sluice(t, "dead", "--nats", url, "--json"); strings.TrimSpace(out) != "" {
		t.Errorf("dead letters:\n%s", out)
	}
}

func TestGroupsOfOtherTypesDoNotMix(t *testing.T) {
	t.Parallel()
	url := nats(t)
	run(t, "worker", "--nats-url", url).waitFor("worker started")
	other := run(t, "worker", "--nats-url", url, "--types", "incomingCall")
	if code := other.exit(); code != 1 || !strings.Contains(other.printed(), "choose another group") {
		t.Errorf("exit code %d:\n%s", code, other.printed())
	}
}

func TestGatewayWithoutATokenDoesNotStart(t *testing.T) {
	t.Parallel()
	p := run(t, "gateway", "--nats-url", "nats://127.0.0.1:1")
	if code := p.exit(); code != 1 || !strings.Contains(p.printed(), "token") {
		t.Errorf("exit code %d:\n%s", code, p.printed())
	}
}
