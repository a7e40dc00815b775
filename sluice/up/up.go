// Package up is everything in one process: an embedded, synced NATS, the gateway and a worker.
package up

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/nats-io/nats.go"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/broker"
	"sluice.internal/sluice/local"
	"sluice.internal/worker"
)

// Options are what the command line says beside the configuration.
type Options struct {
	// Data is the folder for everything that is kept.
	Data string
	// NATSListen is the loopback address of the embedded NATS.
	NATSListen string
	// Command is how the person calls the other commands, such as "sluice".
	Command string
	// Out is where the lines for the person who started it go.
	Out io.Writer
}

const (
	natsUser     = "sluice"
	passwordFile = "nats.password"
	natsFolder   = "nats"
)

// Run works until the context ends or a part fails. The configuration may lack tokens; those are made and kept
// in the data folder.
func Run(ctx context.Context, cfg *config.Config, options Options, log *slog.Logger) (err error) {
	folder, err := local.Open(options.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	made, err := makeTokens(cfg, folder)
	if err != nil {
		return err
	}
	password, err := folder.Secret(passwordFile)
	if err != nil {
		return err
	}
	store, err := broker.New(broker.Settings{
		Listen: options.NATSListen, Dir: folder.Path(natsFolder), User: natsUser, Password: password,
		BodyLimit: int64(cfg.Gateway.BodyLimit),
	}, log)
	if err != nil {
		return err
	}
	access := stream.Access{URL: store.URL(), User: natsUser, Password: password}
	built, err := build(ctx, cfg, access, log)
	if err == nil {
		description := describe(cfg, made, built.address, access)
		if err = folder.Describe(description); err == nil {
			greet(options, cfg, made, description.GatewayURL)
		}
	}
	if err != nil {
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		return errors.Join(err, store.Run(stopped))
	}
	// Stopped in the reverse order: first nothing comes in, then what is under way is finished.
	return service.RunWithAdmin(ctx, cfg.Admin.Listen, built.ready, log,
		append([]service.Part{{Name: "broker", Run: store.Run}}, built.parts...)...)
}

// built is what runs on the broker.
type built struct {
	parts   []service.Part
	address string // the gateway's
	ready   func(context.Context) error
}

// build makes worker and gateway, each with a connection of its own.
func build(ctx context.Context, cfg *config.Config, access stream.Access, log *slog.Logger) (result built, err error) {
	var connections []*nats.Conn
	defer func() {
		if err != nil {
			closeAll(connections)
		}
	}()
	open := func(name string) (*stream.Streams, error) {
		conn, err := stream.Connect(access, name, log)
		if err != nil {
			return nil, err
		}
		connections = append(connections, conn)
		return stream.Open(ctx, conn, stream.SettingsFrom(cfg.Streams), log)
	}
	inner, err := open("sluice worker")
	if err != nil {
		return built{}, err
	}
	works, err := newWorker(ctx, cfg, inner, log)
	if err != nil {
		return built{}, fmt.Errorf("start worker: %w", err)
	}
	outer, err := open("sluice gateway")
	if err != nil {
		return built{}, err
	}
	edge, err := newGateway(cfg, outer, log)
	if err != nil {
		return built{}, fmt.Errorf("start gateway: %w", err)
	}
	closing := func(ctx context.Context) error {
		<-ctx.Done()
		closeAll(connections)
		return nil
	}
	return built{address: edge.Address(), ready: outer.Ready, parts: []service.Part{
		{Name: "connections", Run: closing}, {Name: "worker", Run: works.Run}, {Name: "gateway", Run: edge.Run},
	}}, nil
}

func newWorker(ctx context.Context, cfg *config.Config, streams *stream.Streams, log *slog.Logger) (*worker.Worker, error) {
	settings, err := worker.FromConfig(cfg)
	if err != nil {
		return nil, err
	}
	return worker.New(ctx, settings, streams, log)
}

func newGateway(cfg *config.Config, streams *stream.Streams, log *slog.Logger) (*gateway.Gateway, error) {
	settings, err := gateway.FromConfig(cfg, source.Providers())
	if err != nil {
		return nil, err
	}
	settings.Ready, settings.Alert = streams.Ready, streams.PublishAlert
	return gateway.New(settings, streams, log)
}

func closeAll(connections []*nats.Conn) {
	for _, conn := range connections {
		stream.Close(conn)
	}
}

// makeTokens fills in the tokens that the configuration lacks and returns the files they are kept in, by source.
func makeTokens(cfg *config.Config, folder *local.Folder) (files map[string]string, err error) {
	files = map[string]string{}
	for name, configured := range cfg.Sources {
		if !configured.NeedsSecret() || len(configured.Credentials()) > 0 {
			continue
		}
		file := name + ".token"
		token, err := folder.Secret(file)
		if err != nil {
			return nil, err
		}
		configured.Tokens = []config.Secret{config.NewSecret(token)}
		cfg.Sources[name] = configured
		files[name] = folder.Path(file)
	}
	return files, nil
}

func describe(cfg *config.Config, tokenFiles map[string]string, listening string, access stream.Access) local.Description {
	description := local.Description{
		NATSURL: access.URL, NATSUser: access.User, NATSPassword: access.Password,
		GatewayURL: "http://" + reachable(listening), Sources: map[string]local.Source{},
	}
	if cfg.Gateway.TLS.CertFile != "" {
		description.GatewayURL = "https://" + reachable(listening)
	}
	for name, configured := range cfg.Sources {
		description.Sources[name] = local.Source{
			Path: configured.Path, Provider: configured.Provider, Auth: configured.Auth, TokenFile: tokenFiles[name],
		}
	}
	return description
}

// reachable turns an address that listens everywhere into one to connect to from here.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
