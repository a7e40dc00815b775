// Package up is everything in one process: an embedded, synced NATS, the gateway and a worker.
//
// It is the same code as in the separate processes, over the same streams: gateway and worker get connections of their own
// to the embedded NATS and know nothing of each other. So what a test shows with it holds for a deployment, except for what
// only several servers can show. A kill at any moment is as safe as that of one of them.
//
// Where to look:
//
//	up.go     the parts, in the order in which they start and stop; the tokens that are made at the first start
//	greet.go  what the person who started it reads
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
	"sluice.internal/gateway/poller"
	"sluice.internal/receiver"
	"sluice.internal/shared/alerting"
	"sluice.internal/shared/config"
	"sluice.internal/shared/forwarded"
	"sluice.internal/shared/metrics"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/position"
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
	// Environ is the process's environment, for handlers that are commands.
	Environ []string
	// Setup makes the worker's handlers; nil means the built-in ones.
	Setup worker.Setup
}

// The user of the embedded NATS and where its password and its streams lie in the data folder. The password is made at the
// first start and keeps other users of the machine out.
const (
	natsUser     = "sluice"
	passwordFile = "nats.password"
	natsFolder   = "nats"
	// gatewayShare is the part of the memory that the gateway divides. The rest is for the worker and NATS.
	gatewayShare = 2
)

// Run works until the context ends or a part fails. The configuration may lack tokens; those are made and kept
// in the data folder.
//
// The folder is this process's alone until Run returns: a second one with the same folder is refused at once. Run returns
// after everything that was acknowledged is on the disk. What a worker has under way at the stop gets the worker's shutdown
// timeout and otherwise comes again at the next start.
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
	parts, stop, err := worker.Prepare(ctx, cfg, options.Setup, options.Environ, log)
	if err != nil {
		return err
	}
	defer stop()
	password, _, err := folder.Secret(passwordFile)
	if err != nil {
		return err
	}
	store, err := broker.New(broker.Settings{
		Listen: options.NATSListen, Dir: folder.Path(natsFolder), User: natsUser, Password: password,
		BodyLimit: int64(cfg.LargestBody()), EncryptionKeyFile: cfg.NATS.EncryptionKeyFile,
	}, log)
	if err != nil {
		return err
	}
	access, err := config.NewNATS(store.URL(), natsUser, password)
	var built built
	if err == nil {
		built, err = build(ctx, cfg, parts, access, log)
	}
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
	return service.RunWithAdmin(ctx, service.Checks{Address: cfg.Admin.Listen, Ready: built.ready, Metrics: parts.Metrics.Handler()}, log,
		append([]service.Part{{Name: "broker", Run: store.Run}}, built.parts...)...)
}

// built is what runs on the broker.
type built struct {
	parts   []service.Part
	address string // the gateway's
	ready   func(context.Context) error
}

// build makes worker and gateway, each with a connection of its own: one that is busy with what workers fetch would hold up
// the gateway's acknowledgements. On an error the connections that were opened are closed again.
func build(
	ctx context.Context, cfg *config.Config, parts worker.Parts, access config.NATS, log *slog.Logger,
) (result built, err error) {
	var connections []*nats.Conn
	defer func() {
		if err != nil {
			closeAll(connections)
		}
	}()
	open := func(name string) (*stream.Client, error) {
		conn, err := stream.Connect(access, name, log)
		if err != nil {
			return nil, err
		}
		connections = append(connections, conn)
		parts.Metrics.Connection(conn)
		return stream.Open(ctx, conn, cfg.Streams, log)
	}
	inner, err := open("sluice worker")
	if err != nil {
		return built{}, err
	}
	works, err := worker.New(ctx, cfg, parts, inner, log)
	if err != nil {
		return built{}, fmt.Errorf("start worker: %w", err)
	}
	outer, err := open("sluice gateway")
	if err != nil {
		return built{}, err
	}
	notifier := alerting.New(outer.PublishAlert, cfg.Streams.Alerts.GroupWindow, log)
	bots := receiver.New(receiver.Settings{
		Bots: cfg.Bots, Sources: cfg.Sources, Positions: position.NewClient(outer), ShutdownTimeout: cfg.Gateway.ShutdownTimeout,
		Clients: forwarded.Configured(cfg.Gateway),
		Alert:   func(alert notification.Alert) { notifier.Notify(alert) },
	}, log)
	edge, err := newGateway(cfg, outer, notifier, bots, parts.Metrics, log)
	if err != nil {
		return built{}, fmt.Errorf("start gateway: %w", err)
	}
	closing := func(ctx context.Context) error {
		<-ctx.Done()
		closeAll(connections)
		return nil
	}
	polls, err := poller.ForStreams(cfg, outer, func(alert notification.Alert) { notifier.Notify(alert) }, log)
	if err != nil {
		return built{}, fmt.Errorf("start poller: %w", err)
	}
	return built{address: edge.Address(), ready: outer.Ready, parts: []service.Part{
		{Name: "connections", Run: closing},
		{Name: "worker", Run: works.Run},
		{Name: "alerts", Run: notifier.Run},
		{Name: "poller", Run: polls.Run},
		{Name: "receiver", Run: bots.Run},
		{Name: "gateway", Run: edge.Run},
	}}, nil
}

// newGateway makes the gateway with the sources of the configuration, and the receive API beside them where there are bots;
// its alerts wait for nobody.
func newGateway(
	cfg *config.Config, streams *stream.Client, notifier *alerting.Notifier, bots *receiver.Receiver, counts *metrics.Set, log *slog.Logger,
) (*gateway.Gateway, error) {
	sources, err := source.Configure(cfg.Sources)
	if err != nil {
		return nil, err
	}
	settings := gateway.Settings{
		Gateway: cfg.Gateway, Sources: sources, Ready: streams.Ready, AdminServed: cfg.Admin.Listen != "",
		MemoryLimit: cfg.MemoryLimit / gatewayShare, Metrics: counts,
		Alert: func(alert notification.Alert) { notifier.Notify(alert) },
	}
	if bots.Bots() > 0 {
		settings.Beside, settings.IsBeside = bots, receiver.IsPath
	}
	return gateway.New(settings, stream.NewPublisher(streams), log)
}

// closeAll ends connections after the server has what was sent, acknowledgements above all.
func closeAll(connections []*nats.Conn) {
	for _, conn := range connections {
		stream.Close(conn)
	}
}

// madeToken is a token that was made because the configuration lacks one.
type madeToken struct {
	file string
	// fresh says that it was made at this start, so that nobody can have seen it.
	fresh bool
}

// makeTokens fills in the tokens that the configuration lacks and returns them by source.
func makeTokens(cfg *config.Config, folder *local.Folder) (made map[string]madeToken, err error) {
	made = map[string]madeToken{}
	for name, configured := range cfg.Sources {
		if !configured.NeedsSecret() || len(configured.Credentials()) > 0 {
			continue
		}
		file := name + ".token"
		token, fresh, err := folder.Secret(file)
		if err != nil {
			return nil, err
		}
		configured.Tokens = []config.Secret{config.NewSecret(token)}
		cfg.Sources[name] = configured
		made[name] = madeToken{file: folder.Path(file), fresh: fresh}
	}
	return made, nil
}

// describe returns what other programs on this machine need to find the process: the address of NATS with its password, and
// where to send to each source.
func describe(cfg *config.Config, made map[string]madeToken, listening string, access config.NATS) local.Description {
	description := local.Description{
		NATSURL: access.URL.Reveal(), NATSUser: access.User, NATSPassword: access.Password.Reveal(),
		GatewayURL: "http://" + reachable(listening), Sources: map[string]local.Source{},
	}
	if cfg.Gateway.TLS.CertFile != "" {
		description.GatewayURL = "https://" + reachable(listening)
	}
	if cfg.Admin.Listen != "" {
		description.AdminURL = "http://" + reachable(cfg.Admin.Listen)
	}
	for name, configured := range cfg.Sources {
		description.Sources[name] = local.Source{
			Path: configured.Path, Provider: configured.Provider, Auth: configured.Auth, TokenFile: made[name].file,
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
