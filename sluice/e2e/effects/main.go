//go:build e2e

// The program effects is a worker whose handlers write down what they did, for tests that kill it. It fails now and
// then, always at the same events.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
)

// Effect is one line of the file: an event that was handled.
type Effect struct {
	At       time.Time `json:"at"`
	Process  int       `json:"process"`
	Sequence uint64    `json:"sequence"`
	Key      string    `json:"key"`
	Source   string    `json:"source"`
	Instance string    `json:"instance"`
	Order    string    `json:"order"`
	Attempt  int       `json:"attempt"`
}

func main() {
	os.Exit(service.Command{
		Name: "effects", About: "A worker that writes down what it did into the file of the variable EFFECTS.",
		Flags:   []service.Flag{{Name: "nats-url", Key: "nats.url", Help: "where NATS is"}},
		Options: config.Options{WithoutTokens: true},
		Run:     run,
	}.Main(service.Process{
		Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr,
		Abort: func() { os.Exit(service.ExitFailed) },
	}))
}

func run(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	file, err := os.OpenFile(os.Getenv("EFFECTS"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	cfg.Worker.RetryFor = time.Minute
	parts := worker.Parts{Handlers: &recorder{file}, RetryDelays: &worker.RetryDelays{
		InChat: []time.Duration{100 * time.Millisecond, 300 * time.Millisecond},
		First:  time.Second, Longest: 2 * time.Second,
	}}
	conn, err := stream.Connect(cfg.NATS, "effects", log)
	if err != nil {
		return err
	}
	defer stream.Close(conn)
	streams, err := stream.Open(ctx, conn, cfg.Streams, log)
	if err != nil {
		return err
	}
	works, err := worker.New(ctx, cfg, parts, streams, log)
	if err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	return works.Run(ctx)
}

// flooding is the instance with the chat that floods.
const flooding = "7103000000"

type recorder struct{ file *os.File }

func (*recorder) Types() []string { return nil }

func (*recorder) Timeout(string, string) time.Duration { return 0 }

// Handle works for a moment, fails where the event is one of those that fail, and writes a line in one piece, so
// that a kill loses it or leaves it whole.
func (r *recorder) Handle(_ context.Context, event notification.Event, _ handler.Tools) (bool, error) {
	chance := draw(event.Key)
	took := time.Duration(chance%3) * time.Millisecond
	if event.Instance == flooding {
		took = 3 * time.Millisecond
	} else if chance%50 == 3 { // A few wait for somebody else for up to three seconds.
		took = time.Duration(chance/50%3000) * time.Millisecond
	}
	time.Sleep(took)
	switch {
	case chance%2000 == 0:
		return true, handler.Permanent(errors.New("never again"))
	case chance%500 == 1 && event.Attempt < 6:
		return true, errors.New("not before the sixth time")
	case chance%200 == 2 && event.Attempt < 2:
		return true, errors.New("not the first time")
	}
	line, err := json.Marshal(Effect{
		At: time.Now(), Process: os.Getpid(), Sequence: event.Sequence, Key: event.Key, Source: event.Source,
		Instance: event.Instance, Order: event.OrderKey, Attempt: event.Attempt,
	})
	if err != nil {
		return true, err
	}
	_, err = r.file.Write(append(line, '\n'))
	return true, err
}

func draw(key string) uint32 {
	sum := fnv.New32a()
	sum.Write([]byte(key))
	return sum.Sum32()
}
