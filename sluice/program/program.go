// Package program is the command sluice as a whole: everything in one process, and what an operator asks of a running one. A
// program with handlers or senders of its own is the same command with these:
//
//	func main() { program.Main(handlers) }
//
// Arguments, environment and writers are read here alone and handed over as values.
package program

import (
	"context"
	"log/slog"
	"os"

	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/sluice/cli"
	"sluice.internal/sluice/up"
	"sluice.internal/worker"
)

// Main runs the command and ends the process with its exit code. Setup makes the handlers that `up` runs, nil means the
// built-in ones; providers are kinds of senders beside those that are built in.
func Main(setup worker.Setup, providers ...source.Provider) {
	service.MemoryOf(0, os.Environ()).Tune(os.Environ())
	for _, provider := range providers {
		source.Register(provider)
	}
	abort := func() { os.Exit(service.ExitFailed) }
	executable, _ := os.Executable() // Without it `sluice bench --table` says so.
	os.Exit(cli.Run(context.Background(), cli.Process{
		Args: os.Args[1:], Environ: os.Environ(), Executable: executable, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Abort: abort,
		Up: func(parent context.Context, options cli.UpOptions) error {
			process := service.Process{Stdout: os.Stdout, Stderr: os.Stderr, Abort: abort}
			return service.Start(parent, process, options.Config, func(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
				return up.Run(ctx, cfg, up.Options{
					Data: options.Data, NATSListen: options.NATSListen, Command: os.Args[0], Out: os.Stdout, Setup: setup,
					Environ: os.Environ(),
				}, log)
			})
		},
	}))
}
