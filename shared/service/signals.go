package service

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// WithSignals returns a context that the first SIGINT or SIGTERM ends. Then what runs has the time it takes to
// stop in good order; a second signal calls abort, which should end the process at once. Stop gives the signals
// back.
func WithSignals(parent context.Context, log *slog.Logger, abort func()) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case received := <-signals:
			log.Info("stopping; a second signal ends at once", "signal", received.String())
			cancel()
		case <-done:
			return
		}
		select {
		case received := <-signals:
			log.Warn("stopped at once", "signal", received.String())
			abort()
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}
