package streamtest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"sluice.internal/shared/stream"
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
		s := &Server{options: &server.Options{
			ServerName: fmt.Sprintf("test-%d", i), Host: "127.0.0.1", Port: server.RANDOM_PORT,
			JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, MaxPayload: 9 << 20, NoLog: true, NoSigs: true,
			// Without it a server that starts again when the disk has less room does not take its streams back.
			JetStreamMaxStore: 1 << 40,
			Cluster:           server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port},
			Routes:            server.RoutesFromStr(strings.Join(urls, ",")),
		}}
		s.launch(t)
		cluster.servers = append(cluster.servers, s)
	}
	t.Cleanup(func() {
		for _, s := range cluster.servers {
			s.stop()
		}
	})
	for _, s := range cluster.servers {
		s.await(t)
	}
	cluster.awaitLeader(t)
	return cluster
}

// freePorts finds ports that nobody listens on.
func freePorts(t testing.TB, count int) []int {
	t.Helper()
	var ports []int
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close() // All stay open until there are enough, so that none comes twice.
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func (c *Cluster) awaitLeader(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, s := range c.servers {
			if s.running.JetStreamIsLeader() && len(s.running.JetStreamClusterPeers()) == clusterSize {
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
func (c *Cluster) Open(t testing.TB, settings stream.Settings) *stream.Streams {
	t.Helper()
	settings.Replicas = clusterSize
	log := slog.New(slog.DiscardHandler)
	conn, err := stream.Connect(stream.Access{URL: c.URL()}, t.Name(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	for deadline := time.Now().Add(patience); ; {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		streams, err := stream.Open(ctx, conn, settings, log)
		cancel()
		if err == nil {
			return streams
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
		if s.running.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, name) {
			s.stop()
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
	deadline := time.Now().Add(patience)
	for _, s := range c.servers {
		for health := s.running.Healthz(nil); health.Error != ""; health = s.running.Healthz(nil) {
			if time.Now().After(deadline) {
				t.Fatalf("server %s is behind: %s", s.options.ServerName, health.Error)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}
