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
	// Relaxed acknowledges what is not on the disk yet. It is there to measure what syncing costs.
	Relaxed bool
}

const (
	startTimeout = 30 * time.Second
	// memory bounds what JetStream may keep in memory. All of Sluice's streams are files.
	memory = 64 << 20
)

// Broker is an embedded server.
type Broker struct {
	options  *server.Options
	server   *server.Server
	url      string
	log      *slog.Logger
	failures *logger
	health   *service.Condition
	// restarted is when the server was last started again, zero when it never was.
	restarted time.Time
}

// New starts the server and returns when clients can connect.
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
		MaxPayload: int32(settings.BodyLimit + stream.HeaderRoom), //nolint:gosec // The limit is checked to be below 64 MiB.
		NoSigs:     true,
	}
	failures := &logger{log: log}
	running, err := launch(options, failures)
	if err != nil {
		return nil, err
	}
	if address, ok := running.Addr().(*net.TCPAddr); ok {
		options.Port = address.Port // Where it listens again after a restart.
	}
	return &Broker{
		options: options, server: running, url: running.ClientURL(), log: log, failures: failures,
		health: service.NewCondition("store of the broker", log),
	}, nil
}

// launch starts a server and returns when clients can connect.
func launch(options *server.Options, failures *logger) (*server.Server, error) {
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
// not write, since the disk was full, is started again when there is room.
func (b *Broker) Run(ctx context.Context) error {
	b.watch(ctx)
	b.server.Shutdown()
	b.server.WaitForShutdown()
	b.log.Debug("broker stopped")
	return nil
}

var errNoAnswer = errors.New("it did not answer in time")
