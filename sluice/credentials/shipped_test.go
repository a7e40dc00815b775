package credentials_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/credentials"
)

// certified makes a folder with a certificate for the loopback address, as the shipped configurations want it.
func certified(t *testing.T) (dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for name, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "ca.crt": {Type: "CERTIFICATE", Bytes: certificate},
		"tls.key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// ports finds ports that nobody listens on.
func ports(t *testing.T, count int) (found []string) {
	t.Helper()
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		found = append(found, listener.Addr().String())
	}
	return found
}

// started runs a server without waiting for it.
func started(t testing.TB, file string) *server.Server {
	t.Helper()
	options, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	options.NoSigs, options.NoLog = true, true
	running, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	running.Start()
	t.Cleanup(func() { running.Shutdown(); running.WaitForShutdown() })
	return running
}

func TestClusterSpeaksTLSOnly(t *testing.T) {
	certificates, routes := certified(t), ports(t, 3)
	folder := madeFor(t, routes...)
	t.Setenv("SLUICE_STORE", "50GB")
	var nodes []*server.Server
	for i, route := range routes {
		dir := copied(t, folder,
			`$SLUICE_LISTEN`, `"127.0.0.1:-1"`, `http: "127.0.0.1:8222"`, "", `$SLUICE_STORE_DIR`, `"`+storeDir(t)+`"`,
			`$SLUICE_CLUSTER_LISTEN`, `"`+route+`"`, "/etc/nats/certificates", certificates)
		t.Setenv("SLUICE_NODE", fmt.Sprintf("nats-%d", i+1))
		nodes = append(nodes, started(t, filepath.Join(dir, "cluster-tls.conf")))
	}
	for _, node := range nodes {
		if !node.ReadyForConnections(timeout) {
			t.Fatal("a node did not start")
		}
	}
	seed, authority := folder.Seed(credentials.Worker), filepath.Join(certificates, "ca.crt")
	access := streamtest.At(t, nodes[0].ClientURL())
	access.NKeyFile, access.TLS.CAFile = seed, authority
	conn, err := stream.Connect(access, "sluice worker default", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if _, err := conn.TLSConnectionState(); err != nil {
		t.Errorf("the client is not connected with TLS: %v", err)
	}
	streams := replicated(t, conn)
	info, err := streams.JetStream().Stream(t.Context(), stream.Notifications)
	if err != nil || len(info.CachedInfo().Cluster.Replicas) != 2 {
		t.Errorf("stream %+v, error %v", info, err)
	}
	access.TLS.CAFile = ""
	if _, err := stream.Connect(access, "sluice worker default", slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a certificate of nobody known is accepted")
	}
}

// replicated makes the streams on three nodes. Before these have agreed on a leader nobody answers.
func replicated(t *testing.T, conn *nats.Conn) *streamtest.Streams {
	t.Helper()
	configured := streamtest.Configured(func(s *config.Streams) {
		s.Replicas, s.Notifications.MaxBytes, s.Events.MaxBytes = 3, 1<<30, 1<<30
	})
	for deadline := time.Now().Add(timeout); ; {
		ctx, cancel := context.WithTimeout(t.Context(), timeout/4)
		streams, err := stream.Open(ctx, conn, configured, slog.New(slog.DiscardHandler))
		cancel()
		if err == nil {
			return streamtest.All(streams)
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestConfigurationForKubernetesIsAccepted(t *testing.T) {
	folder := made(t)
	dir := copied(t, folder, "$SLUICE_STORE_DIR", `"`+storeDir(t)+`"`, "/etc/nats/certificates", certified(t))
	folder.Nodes = []string{"nats-0.nats", "nats-1.nats", "nats-2.nats"}
	if _, err := folder.Make(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "kubernetes.conf")
	t.Setenv("SLUICE_NODE", "nats-0")
	t.Setenv("SLUICE_STORE", "80GB")
	options, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if options.ServerName != "nats-0" || !options.SyncAlways || len(options.Routes) != 3 || options.MaxPayload < 8<<20 ||
		options.SystemAccount != "SYS" {
		t.Errorf("options %+v", options)
	}
	if options.TLSConfig == nil || options.Cluster.TLSConfig == nil ||
		options.Cluster.TLSConfig.ClientAuth != tls.RequireAndVerifyClientCert || options.Cluster.Password == "" {
		t.Error("clients may talk in the clear, or a server without certificate and secret becomes a node")
	}
}

// Without a password, monitoring tells who is connected from where, and what is stored.
func TestMonitoringIsForTheMachineAlone(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/nats/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, error %v", files, err)
	}
	for _, file := range files {
		for line := range strings.Lines(content(t, file)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			if (key == "http" || key == "https" || key == "monitor_port" || key == "http_port") && !strings.Contains(value, `"127.0.0.1:`) {
				t.Errorf("%s: %s", file, line)
			}
			if strings.HasPrefix(key, "listen") && strings.Contains(value, "0.0.0.0") && !strings.Contains(value, ":7422") {
				t.Errorf("%s is open to whoever reaches the machine: %s", file, line)
			}
		}
	}
}
