package streamtest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest/process"
)

// Cluster is three NATS servers that keep each stream on all of them.
type Cluster struct {
	servers []*Server
}

const clusterSize = 3

// StartCluster runs three servers until the test ends.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	routes := freePorts(t, clusterSize)
	var urls []string
	for _, port := range routes {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", port))
	}
	cluster := &Cluster{}
	for i, port := range routes {
		s := &Server{options: Options{
			Name: fmt.Sprintf("test-%d", i), StoreDir: t.TempDir(), SyncAlways: true, MaxPayload: 9 << 20,
			ClusterPort: port, Routes: strings.Join(urls, ","),
		}}
		s.launch(t)
		cluster.servers = append(cluster.servers, s)
	}
	t.Cleanup(func() {
		for _, s := range cluster.servers {
			s.Stop()
		}
	})
	for _, s := range cluster.servers {
		s.await(t)
	}
	cluster.awaitLeader(t)
	return cluster
}

// freePorts returns ports that nobody listens on. Routes must name the ports before the servers run, so port 0 is no help.
func freePorts(t testing.TB, count int) []int {
	t.Helper()
	var ports []int
	for len(ports) < count {
		port, err := process.FreePort()
		must(t, err)
		if !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	return ports
}

// awaitLeader blocks until the cluster has a leader that knows all nodes. A stream that is made before may get too few
// replicas.
func (c *Cluster) awaitLeader(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, s := range c.servers {
			if s.ask(t, "peers") == strconv.Itoa(clusterSize) {
				return
			}
		}
	}
	t.Fatal("the cluster chose no leader")
}

// URL names all servers.
func (c *Cluster) URL() string {
	var urls []string
	for _, s := range c.servers {
		urls = append(urls, s.URL())
	}
	return strings.Join(urls, ",")
}

// Open opens the streams, three replicas of each, over a connection of their own. Right after the choice of a
// leader the first requests may go unanswered, so it tries again.
func (c *Cluster) Open(t testing.TB, change ...Change) *Streams {
	t.Helper()
	configured := Configured(append([]Change{func(s *config.Streams) { s.Replicas = clusterSize }}, change...)...)
	log := slog.New(slog.DiscardHandler)
	conn, err := stream.Connect(At(t, c.URL()), t.Name(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	for deadline := time.Now().Add(timeout); ; {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		streams, err := stream.Open(ctx, conn, configured, log)
		cancel()
		if err == nil {
			return All(streams)
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// StopLeader stops the server that leads the stream, and returns it.
func (c *Cluster) StopLeader(t testing.TB, name string) *Server {
	t.Helper()
	for _, s := range c.servers {
		// One that is stopped answers nothing.
		if answer, err := s.running.Ask("leads " + name); err == nil && answer == "true" {
			s.Stop()
			return s
		}
	}
	t.Fatalf("nobody leads stream %s", name)
	return nil
}

// AwaitCurrent waits until every server runs and has found its streams again. One that is stopped before leaves
// goroutines behind.
func (c *Cluster) AwaitCurrent(t testing.TB) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for _, s := range c.servers {
		for health := s.ask(t, "health"); health != ""; health = s.ask(t, "health") {
			if time.Now().After(deadline) {
				t.Fatalf("server %s is behind: %s", s.options.Name, health)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}
