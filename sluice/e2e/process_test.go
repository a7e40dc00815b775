//go:build e2e

// Package e2e_test runs the programs as their users do: built, started, killed and started again.
package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	timeout = 60 * time.Second
	// commandTime is the most that a command of the CLI may take, on a machine that has much else to do.
	commandTime = 2 * timeout
)

// root is the folder of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// programs builds everything once and returns the folder.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sluice-e2e-")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", dir+"/", "./gateway/cmd/gateway", "./worker/cmd/worker", "./gateway/cmd/poller", "./receiver/cmd/receiver", "./sluice/cmd/sluice",
		"github.com/nats-io/nats-server/v2")
	build.Dir = "../.."
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, output)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	if name := os.Getenv(attackVariable); name != "" {
		strikeAlone(name)
		return
	}
	code := m.Run()
	if dir, err := programs(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// process is a running program.
type process struct {
	t       *testing.T
	command *exec.Cmd
	ended   chan struct{} // closed when it has ended
	mutex   sync.Mutex
	output  bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.output.Write(b)
}

func (p *process) printed() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.output.String()
}

// run starts a program, and kills it at the end of the test if it still runs.
func run(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return runCommand(t, program(t, name, args...))
}

// program is the command of a program that was built.
func program(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(filepath.Join(dir, name), args...)
}

func runCommand(t *testing.T, command *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, command: command, ended: make(chan struct{})}
	command.Stdout, command.Stderr = p, p
	if command.Dir == "" {
		command.Dir = t.TempDir()
	}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = command.Wait() // The tests ask for the exit code.
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		if t.Failed() {
			t.Logf("%s printed:\n%s", filepath.Base(command.Path), p.printed())
		}
	})
	return p
}

// waitFor waits until the program has printed the text.
func (p *process) waitFor(text string) {
	p.t.Helper()
	deadline := time.Now().Add(timeout)
	for !strings.Contains(p.printed(), text) {
		select {
		case <-p.ended:
			p.t.Fatalf("ended before it printed %q:\n%s", text, p.printed())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("did not print %q:\n%s", text, p.printed())
		}
	}
}

func (p *process) signal(signal syscall.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the end and returns the exit code, -1 after a signal.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.command.ProcessState.ExitCode()
	case <-time.After(timeout):
		_ = p.command.Process.Signal(syscall.SIGQUIT) // It prints what it waits for.
		<-p.ended
		p.t.Fatalf("does not end:\n%s", p.printed())
		return 0
	}
}

// sluice runs a command of the CLI to its end and returns what it printed and its exit code.
func sluice(t *testing.T, args ...string) (stdout string, code int) {
	t.Helper()
	command := program(t, "sluice", args...)
	var out, failures bytes.Buffer
	command.Stdout, command.Stderr = &out, &failures
	// A command that hangs would look like a system that does nothing. SIGQUIT makes it print what it waits for.
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	command.WaitDelay = 5 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = command.Process.Signal(syscall.SIGQUIT) })
	_ = command.Wait() // The tests ask for the exit code.
	if !stop() {
		t.Fatalf("sluice %s: not done after %s:\n%s%s", strings.Join(args, " "), commandTime, out.String(), failures.String())
	}
	t.Logf("sluice %s: exit code %d %s", strings.Join(args, " "), command.ProcessState.ExitCode(), failures.String())
	return out.String(), command.ProcessState.ExitCode()
}

// objects reads one JSON object a line.
func objects(t *testing.T, lines string) []map[string]any {
	t.Helper()
	var all []map[string]any
	scanner := bufio.NewScanner(strings.NewReader(lines))
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		var object map[string]any
		if err := json.Unmarshal(scanner.Bytes(), &object); err != nil {
			t.Fatalf("line %q: %v", scanner.Text(), err)
		}
		all = append(all, object)
	}
	return all
}

// listed waits until a listing of the CLI has at least that many objects.
func listed(t *testing.T, count int, args ...string) []map[string]any {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for {
		out, code := sluice(t, args...)
		if code != 0 {
			t.Fatalf("sluice %s: exit code %d", strings.Join(args, " "), code)
		}
		all := objects(t, out)
		if len(all) >= count {
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("sluice %s lists %d objects, waited for %d", strings.Join(args, " "), len(all), count)
		}
	}
}

// freeAddress finds a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// samples are the bodies of GREEN-API's documentation.
func samples(t *testing.T) string {
	t.Helper()
	return filepath.Join(root(t), "schemas", "testdata", "green-api")
}
