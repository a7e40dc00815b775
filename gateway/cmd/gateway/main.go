// The gateway takes webhooks in and stores them in NATS.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
)

func main() {
	os.Exit(command().Main(service.Process{
		Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr,
		Abort: func() { os.Exit(service.ExitFailed) },
	}))
}

func command() service.Command {
	return service.Command{
		Name:  "gateway",
		About: "The gateway takes webhooks in, stores them in NATS and answers 200 once they are on the disk.",
		Flags: []service.Flag{
			{Name: "listen", Key: "gateway.listen", Help: "the address that takes webhooks in"},
			{Name: "nats-url", Key: "nats.url", Help: "where NATS is"},
			{Name: "admin-listen", Key: "admin.listen", Help: "the address for health checks of their own"},
			{Name: "log-level", Key: "log.level", Help: "debug, info, warn or error"},
			{Name: "log-format", Key: "log.format", Help: "text, json or auto"},
		},
		Options: config.Options{Providers: source.Known()},
		Run:     run,
	}
}

func run(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	settings, err := gateway.FromConfig(cfg, source.Providers())
	if err != nil {
		return err
	}
	conn, err := stream.Connect(stream.AccessFrom(cfg.NATS), "sluice gateway", log)
	if err != nil {
		return err
	}
	defer conn.Close()
	streams, err := stream.Open(ctx, conn, stream.SettingsFrom(cfg.Streams), log)
	if err != nil {
		return err
	}
	settings.Ready, settings.Alert = streams.Ready, streams.PublishAlert
	edge, err := gateway.New(settings, streams, log)
	if err != nil {
		return fmt.Errorf("start gateway: %w", err)
	}
	return service.RunWithAdmin(ctx, cfg.Admin.Listen, streams.Ready, log, service.Part{Name: "gateway", Run: edge.Run})
}
