// Package broker runs NATS with JetStream inside the process, for a Sluice that is all in one. It listens on
// loopback, lets in who knows the password, and has on the disk what it acknowledges.
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
)

// Settings say where the broker listens and keeps its files.
type Settings struct {
	// Listen is a loopback address with a port; port 0 takes any that is free.
	Listen string
	// Dir is the folder for the streams.
	Dir string
	// User and Password are what clients log in with.
	User, Password string
	// BodyLimit is the largest body of a notification, in bytes.
	BodyLimit int64
	// EncryptionKeyFile has the key by which everything is encrypted that is written to Dir; empty means that nothing is.
	EncryptionKeyFile string
	// Relaxed acknowledges what is not on the disk yet. It is there to measure what syncing costs.
	Relaxed bool
}

const (
	// startTimeout is for a server that reads what is on the disk before it takes clients, after a kill all of it.
	startTimeout = 30 * time.Second
	// memory bounds what JetStream may keep in memory. All of Sluice's streams are files.
	memory = 64 << 20
)

// Broker is an embedded server. It is made running, and Run stops it; without Run nobody looks after it.
type Broker struct {
	options  *server.Options
	keyFile  string
	server   *server.Server
	url      string
	log      *slog.Logger
	failures *logger
	health   *service.Condition
	// restarted is when the server was last started again, zero when it never was.
	restarted time.Time
}

// New starts the server and returns when clients can connect. Its errors name what to choose otherwise: a port that is taken,
// an address that is not of loopback, a key that does not fit what is on the disk.
func New(settings Settings, log *slog.Logger) (*Broker, error) {
	host, port, err := loopback(settings.Listen)
	if err != nil {
		return nil, err
	}
	// The server would log that a port is taken and go on trying.
	if err := free(settings.Listen); err != nil {
		return nil, err
	}
	options := &server.Options{
		ServerName: "sluice", Host: host, Port: port,
		Username: settings.User, Password: settings.Password,
		JetStream: true, StoreDir: settings.Dir, JetStreamMaxMemory: memory,
		SyncAlways: !settings.Relaxed,
		MaxPayload: int32(settings.BodyLimit + stream.HeaderReserve), //nolint:gosec // The limit is checked to be below 64 MiB.
		NoSigs:     true,
	}
	if settings.EncryptionKeyFile != "" {
		if options.JetStreamKey, err = readKey(settings.EncryptionKeyFile); err != nil {
			return nil, err
		}
		options.JetStreamCipher = server.ChaCha
	}
	b := &Broker{
		options: options, keyFile: settings.EncryptionKeyFile, log: log, failures: &logger{log: log},
		health: service.NewCondition("store of the broker", log),
	}
	if err := b.start(nil); err != nil {
		return nil, err
	}
	b.url = b.server.ClientURL()
	if address, ok := b.server.Addr().(*net.TCPAddr); ok {
		options.Port = address.Port // Where it listens again after a restart.
	}
	return b, nil
}

// start starts the server, and once more where its limit does not cover the streams that it has: what these may grow to is
// known only once they are open. It waits for the address in between, no longer than until ended is closed.
func (b *Broker) start(ended <-chan struct{}) error {
	running, err := launch(b.options, b.failures, b.keyFile)
	if err != nil {
		return err
	}
	wanted, err := covering(running, b.options, b.log)
	if wanted != nil || err != nil {
		running.Shutdown()
		running.WaitForShutdown()
	}
	if err == nil && wanted != nil {
		if err = b.awaitAddress(ended, wanted); err == nil {
			running, err = launch(wanted, b.failures, b.keyFile)
		}
	}
	if err != nil {
		return err
	}
	b.server = running
	return nil
}

// launch starts a server and returns when clients can connect. A server that could not read all that is on the disk is
// stopped again.
func launch(options *server.Options, failures *logger, keyFile string) (*server.Server, error) {
	running, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("make broker: %w", err)
	}
	running.SetLogger(failures, false, false)
	running.Start()
	if !running.ReadyForConnections(startTimeout) {
		running.Shutdown()
		address := net.JoinHostPort(options.Host, strconv.Itoa(options.Port))
		return nil, fmt.Errorf("start broker on %q: %w", address, failures.cause())
	}
	if err := checkRecovered(running, options.StoreDir, keyFile); err != nil {
		running.Shutdown()
		running.WaitForShutdown()
		return nil, err
	}
	return running, nil
}

// loopback refuses to open the store to the network: for that there is a NATS of its own, with TLS.
func loopback(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("read address of the broker %q: %w", address, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", 0, fmt.Errorf("read address of the broker %q: must be a loopback address such as 127.0.0.1; "+
			"to reach the streams from elsewhere run NATS as a process of its own", address)
	}
	if port, err = strconv.Atoi(text); err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("read address of the broker %q: %q is no port", address, text)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// free returns an error when somebody listens on the address. Between its look and the server's own listener somebody else
// may come; then the start fails as a whole.
func free(address string) error {
	listener, err := net.Listen("tcp", address) //nolint:noctx // Opening a listener does not wait.
	if err != nil {
		return fmt.Errorf("start broker: %w; is another NATS running? Choose another address with --nats-listen, port 0 for any", err)
	}
	if err := listener.Close(); err != nil {
		return fmt.Errorf("start broker: %w", err)
	}
	return nil
}

// URL is where clients connect.
func (b *Broker) URL() string { return b.url }

// Run keeps the broker until the context ends, and then stops it with everything on the disk. A server that could
// not write, since the disk was full, is started again when there is space.
func (b *Broker) Run(ctx context.Context) error {
	b.watch(ctx)
	b.server.Shutdown()
	b.server.WaitForShutdown()
	b.log.Debug("broker stopped")
	return nil
}

var errNoAnswer = errors.New("it did not answer in time")
