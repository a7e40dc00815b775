package gateway

import (
	"context"
	"fmt"
	"log/slog"

	"sluice.internal/shared/alerting"
	"sluice.internal/shared/config"
	"sluice.internal/shared/metrics"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
)

// Main is the program of a gateway with kinds of senders beside the built-in ones: it reads command line, variables and
// sluice.yaml, serves until a signal comes, and ends the process with its exit code. The program of the worker has to know the
// providers as well.
//
//	func main() { gateway.Main(bank.Provider()) }
func Main(providers ...source.Provider) {
	for _, provider := range providers {
		source.Register(provider)
	}
	Program().Exit()
}

// Program is what Main runs, for those who have the process themselves. Each flag stands for a key of the configuration and
// counts before the variable.
func Program() service.Command {
	return service.Command{
		Name:  "gateway",
		About: "The gateway takes webhooks in, stores them in NATS and answers 200 once they are on the disk.",
		Flags: append([]service.Flag{
			{Name: "listen", Key: "gateway.listen", Help: "the address that takes webhooks in"},
		}, service.CommonFlags()...),
		Options: config.Options{Providers: source.Known()},
		Run:     runProgram,
	}
}

// runProgram serves until the context ends. Parts stop in the reverse order: first nothing comes in, then the last alerts are
// stored.
func runProgram(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	sources, err := source.Configure(cfg.Sources)
	if err != nil {
		return err
	}
	conn, err := stream.Connect(cfg.NATS, "sluice gateway", log)
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
	edge, err := New(Settings{
		Gateway: cfg.Gateway, Sources: sources, Ready: streams.Ready,
		MemoryLimit: cfg.MemoryLimit, Metrics: counts, AdminServed: cfg.Admin.Listen != "",
		Alert: func(alert notification.Alert) { notifier.Notify(alert) },
	}, stream.NewPublisher(streams), log)
	if err != nil {
		return fmt.Errorf("start gateway: %w", err)
	}
	return service.RunWithAdmin(ctx, service.Checks{Address: cfg.Admin.Listen, Ready: streams.Ready, Metrics: counts.Handler()}, log,
		service.Part{Name: "alerts", Run: notifier.Run}, service.Part{Name: "gateway", Run: edge.Run})
}
