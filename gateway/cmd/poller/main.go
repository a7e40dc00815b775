// The poller takes notifications out of GREEN-API's queues and stores them in NATS, for those who have no address to which
// GREEN-API could post them.
//
// This is the process around package poller: flags, configuration, one connection to NATS. It may store what a gateway
// stores, leases, and how the instances are, and read nothing, as its role in nats/roles.conf has it. Several share the
// instances by leases: when one ends, another goes on.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"sluice.internal/gateway/poller"
	"sluice.internal/shared/alerting"
	"sluice.internal/shared/config"
	"sluice.internal/shared/metrics"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
)

func main() {
	command().Exit()
}

// command is the process with its flags; each stands for a key of the configuration and counts before the variable. It needs
// no token by which senders prove who they are.
func command() service.Command {
	return service.Command{
		Name:    "poller",
		About:   "The poller takes notifications out of GREEN-API's queues and deletes them there once they are stored in NATS.",
		Flags:   service.CommonFlags(),
		Options: config.Options{Providers: source.Known(), AllowMissingTokens: true, Accounts: true},
		Run:     run,
	}
}

// errNothing says that there is nothing to do, which a process of its own was not started for.
var errNothing = errors.New("no instance is polled: set sources.NAME.instances.ID.receive to http-api for at least one")

// run polls until the context ends.
func run(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	conn, err := stream.Connect(cfg.NATS, "sluice poller", log)
	if err != nil {
		return err
	}
	defer conn.Close()
	counts := metrics.New(service.Version())
	counts.Connection(conn)
	streams, err := stream.OpenToPublish(ctx, conn, cfg.Streams, log)
	if err != nil {
		return err
	}
	notifier := alerting.New(streams.PublishAlert, cfg.Streams.Alerts.GroupWindow, log)
	polls, err := poller.ForStreams(cfg, streams, func(alert notification.Alert) { notifier.Notify(alert) }, log)
	if err != nil {
		return fmt.Errorf("start poller: %w", err)
	}
	if polls.Instances() == 0 {
		return errNothing
	}
	return service.RunWithAdmin(ctx, service.Checks{Address: cfg.Admin.Listen, Ready: streams.Ready, Metrics: counts.Handler()}, log,
		service.Part{Name: "alerts", Run: notifier.Run}, service.Part{Name: "poller", Run: polls.Run})
}
