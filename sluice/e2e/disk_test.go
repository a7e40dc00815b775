//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// publishDeadline is how long the gateways of these tests try to store a notification.
const publishDeadline = 3 * time.Second

// disk is a file system that can be filled up and emptied. It is there for one program, which runs on it.
type disk struct {
	*process

	shell io.Writer
	dir   string
}

// onDisk runs a program with a file system of its own at dir, one in memory of 16 GiB.
func onDisk(t *testing.T, dir string, on *exec.Cmd) *disk {
	t.Helper()
	const mount = `mount -t tmpfs -o size=16g tmpfs "$0" || exit 1`
	args := []string{"--mount", "sh", "-c"}
	if os.Getuid() != 0 {
		args = append([]string{"--user", "--map-root-user"}, args...)
	}
	if output, err := exec.Command("unshare", append(args, mount, dir)...).CombinedOutput(); err != nil {
		t.Fatalf("a file system can't be mounted here, which needs root or user namespaces: %v %s", err, output)
	}
	// The shell stays in the program's view of the files and does what it is told.
	script := mount + `; "$@" & program=$!; while read -r line; do eval "$line"; done`
	command := exec.Command("unshare", append(append(args, script, dir), on.Args...)...)
	command.Env = on.Env
	shell, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	return &disk{process: runCommand(t, command), shell: shell, dir: dir}
}

// tell has the shell run a line and waits until it did.
func (d *disk) tell(done, line string) {
	d.t.Helper()
	if _, err := fmt.Fprintf(d.shell, "%s; echo %s\n", line, done); err != nil {
		d.t.Fatal(err)
	}
	d.waitFor(done)
}

// fill leaves no room for another page.
func (d *disk) fill() {
	d.tell("the disk is full", fmt.Sprintf(
		`until mount -o remount,size=$(df -kP %[1]q | awk 'END {print $3}')k %[1]q 2>/dev/null; do :; done`, d.dir))
}

func (d *disk) empty() {
	d.tell("the disk has space", fmt.Sprintf("mount -o remount,size=16g %q", d.dir))
}

// restart ends the program and starts it again.
func (d *disk) restart(args []string) {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = fmt.Sprintf("%q", arg)
	}
	d.tell("started again", "kill $program; wait $program; "+strings.Join(quoted, " ")+" & program=$!")
}

// edge is the environment of a gateway that knows the senders' token.
func edge(t *testing.T) []string {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	write(t, token, "a-token-for-the-test\n")
	return append(os.Environ(),
		"SLUICE_SOURCES_GREEN_API_TOKEN_FILE="+token, "SLUICE_SOURCES_GREEN_API_PUBLISH_DEADLINE="+publishDeadline.String())
}

// refusedWhileFull fills the disk and posts until nothing more fits. All answers have to come in time, the last one
// a 503 that tells to come again. It returns the ids that were answered 200.
func refusedWhileFull(t *testing.T, d *disk, url string) (stored []string) {
	t.Helper()
	d.fill()
	s := sender{client: &http.Client{Timeout: publishDeadline + 5*time.Second}, url: url, number: senders}
	defer s.client.CloseIdleConnections()
	refused := 0
	for number := 0; refused < 3; number++ {
		status, err := s.post(context.Background(), s.body(number))
		switch {
		case err == nil && status == http.StatusOK:
			stored = append(stored, fmt.Sprintf("%d-%d", s.number, number))
		case err == nil && status == http.StatusServiceUnavailable:
			refused++
		default:
			t.Fatalf("status %d, error %v", status, err)
		}
	}
	return stored
}

func TestFullDiskOfSluiceUpIsRefusedInTimeAndHealsWhenThereIsSpace(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	store := filepath.Join(data, "nats")
	if err := os.Mkdir(store, 0o700); err != nil {
		t.Fatal(err)
	}
	hook, nats := freeAddress(t), freeAddress(t)
	command := program(t, "sluice", "up", "--data", data, "--gateway-listen", hook, "--nats-listen", nats)
	command.Env = edge(t)
	d := onDisk(t, store, command)
	d.waitFor(ready)
	url := "http://" + hook + "/green-api/webhook/"
	var stored []string
	// Each goes on until it is answered 200, which takes room, and the process is the same all the time.
	sent := sendWhile(t, url, func() {
		stored = refusedWhileFull(t, d, url)
		d.empty()
		untilAnswered(t, sender{client: &http.Client{}, url: url, number: senders + 1}, sender{number: senders + 1}.body(0))
	})
	sent[fmt.Sprintf("%d-0", senders+1)] = true
	for _, id := range stored {
		sent[id] = true
	}
	password, err := os.ReadFile(filepath.Join(data, "nats.password"))
	if err != nil {
		t.Fatal(err)
	}
	checkOneEventEach(t, "nats://sluice:"+strings.TrimSpace(string(password))+"@"+nats, sent)
	d.waitFor("store of the broker works again")
	if times := strings.Count(d.printed(), "store of the broker is in trouble"); times != 1 {
		t.Errorf("says %d times that the store is in trouble", times)
	}
}

// TestFullDiskOfNATSHealsWithARestartOfNATSAlone holds what the documentation tells the operator: /healthz of NATS
// says that it needs a restart, and the gateway and the worker need none.
func TestFullDiskOfNATSHealsWithARestartOfNATSAlone(t *testing.T) {
	t.Parallel()
	address, monitor := freeAddress(t), freeAddress(t)
	store, config := t.TempDir(), filepath.Join(t.TempDir(), "nats.conf")
	// The streams believe that they have more capacity than the disk.
	write(t, config, "listen: \""+address+"\"\nhttp: \""+monitor+"\"\nmax_payload: 9MB\n"+
		"jetstream { store_dir: \""+store+"\", sync_interval: always, max_file_store: 200GB }\n")
	command := program(t, "nats-server", "-c", config)
	d := onDisk(t, store, command)
	d.waitFor("Server is ready")
	hook := freeAddress(t)
	gateway := program(t, "gateway", "--nats-url", "nats://"+address, "--listen", hook)
	gateway.Env = edge(t)
	runCommand(t, gateway).waitFor("gateway listening")
	run(t, "worker", "--nats-url", "nats://"+address).waitFor("worker started")
	url := "http://" + hook + "/green-api/webhook/"
	var stored []string
	sent := sendWhile(t, url, func() {
		stored = refusedWhileFull(t, d, url)
		d.empty()
		if got := health(t, monitor); !strings.Contains(got, "no space left on device") {
			t.Errorf("/healthz says %s", got)
		}
		d.restart(command.Args)
		untilAnswered(t, sender{client: &http.Client{}, url: url, number: senders + 1}, sender{number: senders + 1}.body(0))
	})
	sent[fmt.Sprintf("%d-0", senders+1)] = true
	for _, id := range stored {
		sent[id] = true
	}
	checkOneEventEach(t, "nats://"+address, sent)
	if got := health(t, monitor); !strings.Contains(got, `"ok"`) {
		t.Errorf("/healthz says %s after the restart", got)
	}
}

// health is what NATS says of itself.
func health(t *testing.T, monitor string) string {
	t.Helper()
	response, err := http.Get("http://" + monitor + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
