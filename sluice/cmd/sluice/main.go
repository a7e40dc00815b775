// The command sluice: everything in one process, and what an operator asks of a running one.
package main

import (
	"context"
	"log/slog"
	"os"

	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
	"sluice.internal/sluice/cli"
	"sluice.internal/sluice/up"
)

func main() {
	service.TuneMemory(os.Environ())
	abort := func() { os.Exit(service.ExitFailed) }
	executable, _ := os.Executable() // Without it `sluice bench --table` says so.
	os.Exit(cli.Run(context.Background(), cli.Process{
		Args: os.Args[1:], Environ: os.Environ(), Executable: executable, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Abort: abort,
		Up: func(parent context.Context, options cli.UpOptions) error {
			process := service.Process{Stdout: os.Stdout, Stderr: os.Stderr, Abort: abort}
			return service.Start(parent, process, options.Config, func(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
				return up.Run(ctx, cfg, up.Options{
					Data: options.Data, NATSListen: options.NATSListen, Command: os.Args[0], Out: os.Stdout,
				}, log)
			})
		},
	}))
}
