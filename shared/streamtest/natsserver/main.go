// Natsserver runs a NATS server with JetStream for tests, in a process and a module of its own: so neither the tests nor
// the modules of the product depend on the server.
//
// Its first line of input is a document of options, its first line of output the port of its clients. Each further line
// is a question, answered by a line. It shuts down in good order at the end of its input, also when that comes because
// the test was killed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// options are those of package streamtest, which writes them.
type options struct {
	Name               string
	Port               int // 0 takes any that is free
	StoreDir           string
	SyncAlways         bool
	MaxPayload         int32
	MaxStore           int64
	Username, Password string
	// ClusterPort and Routes make the server a node of a cluster.
	ClusterPort int
	Routes      string
}

// startTimeout bounds the wait for the listener, on a machine that is busy with other tests.
const startTimeout = 2 * time.Minute

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "natsserver:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	if !lines.Scan() {
		return fmt.Errorf("read options: %w", io.ErrUnexpectedEOF)
	}
	var wanted options
	if err := json.Unmarshal(lines.Bytes(), &wanted); err != nil {
		return fmt.Errorf("read options: %w", err)
	}
	running, err := server.NewServer(wanted.server())
	if err != nil {
		return fmt.Errorf("make server: %w", err)
	}
	running.Start()
	defer running.WaitForShutdown()
	defer running.Shutdown()
	port, err := listens(running)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, port)
	for lines.Scan() {
		fmt.Fprintln(out, answer(running, lines.Text()))
	}
	return lines.Err()
}

func (o options) server() *server.Options {
	made := &server.Options{
		ServerName: o.Name, Host: "127.0.0.1", Port: o.Port,
		JetStream: true, StoreDir: o.StoreDir, SyncAlways: o.SyncAlways,
		MaxPayload: o.MaxPayload, JetStreamMaxStore: o.MaxStore, Username: o.Username, Password: o.Password, NoLog: true, NoSigs: true,
	}
	if made.Port == 0 {
		made.Port = server.RANDOM_PORT
	}
	if o.ClusterPort > 0 {
		made.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: o.ClusterPort}
		made.Routes = server.RoutesFromStr(o.Routes)
		// Without it a server that starts again when the disk has less space does not take its streams back.
		made.JetStreamMaxStore = 1 << 40
	}
	return made
}

// listens blocks until the server has its listener and returns its port. The node of a cluster is ready for connections
// only once it knows the others.
func listens(running *server.Server) (int, error) {
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if address, ok := running.Addr().(*net.TCPAddr); ok {
			return address.Port, nil
		}
	}
	return 0, fmt.Errorf("the server does not listen after %s", startTimeout)
}

// answer answers a question about the running server with one line.
func answer(running *server.Server, question string) string {
	what, argument, _ := strings.Cut(question, " ")
	switch what {
	case "ready":
		return fmt.Sprint(running.ReadyForConnections(startTimeout))
	case "peers": // of which this one leads the cluster
		if !running.JetStreamIsLeader() {
			return "0"
		}
		return fmt.Sprint(len(running.JetStreamClusterPeers()))
	case "leads":
		return fmt.Sprint(running.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, argument))
	case "health":
		return strings.ReplaceAll(running.Healthz(nil).Error, "\n", " ")
	default:
		return "unknown question " + what
	}
}
