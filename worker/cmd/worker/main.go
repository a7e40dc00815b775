// The worker makes events of stored notifications and hands them to the handlers of their types.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/worker"
)

func main() {
	os.Exit(command().Main(service.Process{
		Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr,
		Abort: func() { os.Exit(service.ExitFailed) },
	}))
}

func command() service.Command {
	return service.Command{
		Name:  "worker",
		About: "The worker makes events of the stored notifications and hands them to the handlers of their types.",
		Flags: []service.Flag{
			{Name: "group", Key: "worker.group", Help: "the group whose workers share the events"},
			{Name: "types", Key: "worker.types", Help: "the types that the group handles, separated by commas; all by default"},
			{Name: "intake", Key: "worker.intake", Help: "true or false: whether this worker makes events of notifications"},
			{Name: "handlers", Key: "worker.handlers", Help: "true or false: whether this worker handles events"},
			{Name: "nats-url", Key: "nats.url", Help: "where NATS is"},
			{Name: "admin-listen", Key: "admin.listen", Help: "the address for health checks; none by default"},
			{Name: "log-level", Key: "log.level", Help: "debug, info, warn or error"},
			{Name: "log-format", Key: "log.format", Help: "text, json or auto"},
		},
		Options: config.Options{WithoutTokens: true},
		Run:     run,
	}
}

func run(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	settings, err := worker.FromConfig(cfg)
	if err != nil {
		return err
	}
	conn, err := stream.Connect(stream.AccessFrom(cfg.NATS), "sluice worker "+settings.Group, log)
	if err != nil {
		return err
	}
	defer stream.Close(conn)
	streams, err := stream.Open(ctx, conn, stream.SettingsFrom(cfg.Streams), log)
	if err != nil {
		return err
	}
	works, err := worker.New(ctx, settings, streams, log)
	if err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	return service.RunWithAdmin(ctx, cfg.Admin.Listen, streams.Ready, log, service.Part{Name: "worker", Run: works.Run})
}
