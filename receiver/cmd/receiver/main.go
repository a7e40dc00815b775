// The receiver hands events out to bots as GREEN-API's HTTP API hands out notifications.
//
// This is the process around package receiver: flags, configuration, one connection to NATS. It may read events, and move the
// positions of bots, as its role in nats/roles.conf has it. Any number of them may run behind a load balancer.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

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
)

func main() {
	command().Exit()
}

// command is the process with its flags; each stands for a key of the configuration and counts before the variable.
func command() service.Command {
	return service.Command{
		Name:  "receiver",
		About: "The receiver hands events out to bots that ask for them as they would ask GREEN-API.",
		Flags: append([]service.Flag{
			{Name: "listen", Key: "receiver.listen", Help: "the address that bots ask"},
		}, service.CommonFlags()...),
		Options: config.Options{Providers: source.Known(), AllowMissingTokens: true, Accounts: true},
		Run:     run,
	}
}

// errNobody says that there is nobody to serve.
var errNobody = errors.New("there are no bots: name at least one in bots")

// run serves until the context ends.
func run(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	if len(cfg.Bots) == 0 {
		return errNobody
	}
	conn, err := stream.Connect(cfg.NATS, "sluice receiver", log)
	if err != nil {
		return err
	}
	defer conn.Close()
	counts := metrics.New(service.Version())
	counts.Connection(conn)
	positions, err := position.Attach(conn, log)
	if err != nil {
		return err
	}
	notifier := alerting.New(positions.PublishAlert, cfg.Streams.Alerts.GroupWindow, log)
	bots := receiver.New(receiver.Settings{
		Bots: cfg.Bots, Sources: cfg.Sources, Positions: positions, ShutdownTimeout: cfg.Gateway.ShutdownTimeout,
		Clients: forwarded.Configured(cfg.Gateway), Alert: func(alert notification.Alert) { notifier.Notify(alert) },
	}, log)
	server, err := bots.Listen(ctx, cfg.Receiver.Listen)
	if err != nil {
		return fmt.Errorf("start receiver: %w", err)
	}
	return service.RunWithAdmin(ctx, service.Checks{Address: cfg.Admin.Listen, Ready: positions.Ready, Metrics: counts.Handler()}, log,
		service.Part{Name: "alerts", Run: notifier.Run}, service.Part{Name: "bots", Run: bots.Run}, service.Part{Name: "receiver", Run: server.Run})
}
