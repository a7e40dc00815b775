package credentials_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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
	"github.com/nats-io/nkeys"

	"sluice.internal/shared/stream"
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
func started(t *testing.T, file string) *server.Server {
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
	folder, certificates, routes := made(t), certified(t), ports(t, 3)
	t.Setenv("SLUICE_STORE", "50GB")
	var nodes []*server.Server
	for i, route := range routes {
		dir := copied(t, folder,
			`"0.0.0.0:4222"`, `"127.0.0.1:-1"`, `http: "0.0.0.0:8222"`, "", `$SLUICE_STORE_DIR`, `"`+t.TempDir()+`"`,
			`"0.0.0.0:6222"`, `"`+route+`"`, "/etc/nats/certificates", certificates,
			"nats-1:6222", routes[0], "nats-2:6222", routes[1], "nats-3:6222", routes[2])
		t.Setenv("SLUICE_NODE", fmt.Sprintf("nats-%d", i+1))
		nodes = append(nodes, started(t, filepath.Join(dir, "cluster-tls.conf")))
	}
	for _, node := range nodes {
		if !node.ReadyForConnections(patience) {
			t.Fatal("a node did not start")
		}
	}
	seed, authority := folder.Seed(credentials.Worker), filepath.Join(certificates, "ca.crt")
	access := stream.Access{URL: nodes[0].ClientURL(), NKeyFile: seed, CAFile: authority}
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
	access.CAFile = ""
	if _, err := stream.Connect(access, "sluice worker default", slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a certificate of nobody known is accepted")
	}
}

// replicated makes the streams on three nodes. Before these have agreed on a leader nobody answers.
func replicated(t *testing.T, conn *nats.Conn) *stream.Streams {
	t.Helper()
	settings := stream.Settings{
		Replicas: 3, Notifications: stream.Bounds{MaxBytes: 1 << 30}, Events: stream.Bounds{MaxBytes: 1 << 30},
	}
	for deadline := time.Now().Add(2 * patience); ; {
		ctx, cancel := context.WithTimeout(t.Context(), patience/4)
		streams, err := stream.Open(ctx, conn, settings, slog.New(slog.DiscardHandler))
		cancel()
		if err == nil {
			return streams
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestConfigurationForKubernetesIsAccepted(t *testing.T) {
	folder := made(t)
	dir := copied(t, folder, "$SLUICE_STORE_DIR", `"`+t.TempDir()+`"`)
	file := filepath.Join(dir, "kubernetes.conf")
	if err := os.WriteFile(file, []byte(content(t, "../../deploy/kubernetes/nats.conf")), 0o600); err != nil {
		t.Fatal(err)
	}
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
}

func TestRegionReachesTheHub(t *testing.T) {
	folder, certificates, listen := made(t), certified(t), ports(t, 1)[0]
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, publicErr := pair.PublicKey()
	seed, err := pair.Seed()
	if err != nil || publicErr != nil {
		t.Fatal(err, publicErr)
	}
	t.Setenv("SLUICE_REGION", public)
	t.Setenv("SLUICE_REGION_SEED", string(seed))
	t.Setenv("SLUICE_STORE", "50GB")
	run := func(name string) *server.Server {
		t.Setenv("SLUICE_NODE", strings.TrimSuffix(name, ".conf"))
		dir := copied(t, folder,
			`"0.0.0.0:4222"`, `"127.0.0.1:-1"`, `http: "0.0.0.0:8222"`, "", `$SLUICE_STORE_DIR`, `"`+t.TempDir()+`"`,
			`"0.0.0.0:7422"`, `"`+listen+`"`, "/etc/nats/certificates", certificates,
			"hub.example.com:7422", listen)
		running := started(t, filepath.Join(dir, name))
		if !running.ReadyForConnections(patience) {
			t.Fatalf("%s did not start", name)
		}
		return running
	}
	hub, _ := run("hub.conf"), run("region.conf")
	for deadline := time.Now().Add(patience); hub.NumLeafNodes() == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the region did not reach the hub")
		}
	}
}
