// Package process runs a NATS server of the module natsserver in a process of its own. It knows no streams, so that the
// tests inside of package stream can use it; all others use package streamtest.
package process

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// Options are what tests choose about a server.
type Options struct {
	// Name is the server's, unique in a cluster.
	Name string
	// Port is that of the clients; 0 takes any that is free.
	Port int
	// StoreDir holds the server's files, in the test's folder.
	StoreDir string
	// SyncAlways makes the server sync each write before it acknowledges it.
	SyncAlways bool
	// MaxPayload is the largest message with its header, in bytes.
	MaxPayload int32
	// MaxStore is what it has on the disk, in bytes; 0 is for the server to choose.
	MaxStore int64
	// Username and Password are what clients have to know, if they are set.
	Username, Password string
	// ClusterPort and Routes make the server a node of a cluster: where it listens for other nodes, and all of them as
	// URLs, separated by commas.
	ClusterPort int
	Routes      string
}

// Process is a running server.
type Process struct {
	// Port is where it listens for clients.
	Port int

	command *exec.Cmd

	// mutex is held from a question to its answer.
	mutex   sync.Mutex
	in      io.WriteCloser
	answers *bufio.Scanner
	failure bytes.Buffer // what it wrote about its end; read only after that

	ended  chan struct{}
	result error
}

// FreePort returns a port of this machine that nobody listens on. It is none of those that systems give to connections and
// to listeners on port 0, so that it is also free when a server that was stopped starts again.
func FreePort() (int, error) {
	const first, count, tries = 20_000, 12_000, 100
	var failure error
	for range tries {
		port := first + rand.N(count)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
		failure = err
	}
	return 0, fmt.Errorf("find a free port: %w", failure)
}

// Start starts a server and waits for its listener. A port of 0 is one of FreePort.
func Start(options Options) (*Process, error) {
	if options.Port == 0 {
		port, err := FreePort()
		if err != nil {
			return nil, err
		}
		options.Port = port
	}
	path, err := build()
	if err != nil {
		return nil, err
	}
	p := &Process{command: exec.Command(path), ended: make(chan struct{})}
	p.command.Stderr = &p.failure
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start natsserver: %w", err)
	}
	p.answers = bufio.NewScanner(out)
	document, err := json.Marshal(options)
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	answer, err := p.Ask(string(document))
	if err == nil {
		p.Port, err = strconv.Atoi(answer)
	}
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// Ask sends a question of natsserver and returns the answer.
func (p *Process) Ask(question string) (string, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if _, err := io.WriteString(p.in, question+"\n"); err != nil {
		return "", fmt.Errorf("ask natsserver %q: %w", question, err)
	}
	if !p.answers.Scan() {
		return "", fmt.Errorf("ask natsserver %q: no answer", question)
	}
	return p.answers.Text(), nil
}

// Stop shuts the server down in good order and waits for its end. It may be called several times.
func (p *Process) Stop() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	select {
	case <-p.ended:
		return p.result
	default:
	}
	_ = p.in.Close()
	for p.answers.Scan() { // Wait must not be called before all was read.
	}
	if err := p.command.Wait(); err != nil {
		p.result = fmt.Errorf("natsserver: %w: %s", err, strings.TrimSpace(p.failure.String()))
	}
	close(p.ended)
	return p.result
}

// URL is where clients connect, without the user and the password that the server may want.
func (p *Process) URL() string {
	return "nats://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port))
}

// build returns the path of natsserver. It lies in Go's cache, so that it is linked once for all test programs, and stays
// there for days after its last use.
var build = sync.OnceValues(func() (string, error) {
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("build natsserver: its folder is not known")
	}
	command := exec.Command("go", "tool", "-n", "natsserver")
	command.Dir = filepath.Join(filepath.Dir(here), "..", "natsserver")
	var failure bytes.Buffer
	command.Stderr = &failure
	path, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("build natsserver: %w: %s", err, &failure)
	}
	return strings.TrimSpace(string(path)), nil
})
