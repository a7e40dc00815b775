package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
)

// OrderPaid is the part of a body that a handler reads.
type OrderPaid struct {
	OrderID string `json:"orderId"`
}

// ownSettings are what sluice.yaml has below settings.shop.
type ownSettings struct {
	// Greeting is what the customer is told.
	Greeting string `yaml:"greeting" default:"Thank you"`
}

// ownHandlers is a setup as a program of one's own has it.
func ownHandlers(_ context.Context, env *worker.Env) (*handler.Registry, error) {
	var settings ownSettings
	if err := env.Config("shop", &settings); err != nil {
		return nil, err // It says what is wrong in which line.
	}
	env.OnStop(func() { fmt.Println("closed") }) // What the handlers need is closed after the last of them.
	registry := handler.BuiltIn()
	handler.Register(registry, "green-api", "orderPaid", func(ctx context.Context, event handler.Event[OrderPaid]) error {
		return event.Reply(ctx, settings.Greeting+" for order "+event.Body.OrderID)
	})
	return registry, nil
}

// It runs until a signal comes, and needs a NATS server, so it is compiled here.
func ExampleMain() {
	_ = func() { // This is your func main().
		worker.Main(ownHandlers)
	}
}

// It runs until a signal comes, and needs a NATS server, so it is only described here.
func ExampleProgram() {
	command := worker.Program(ownHandlers)
	fmt.Println(command.Name, len(command.Flags) > 0)
	// Output: worker true
}

func ExamplePrepare() {
	cfg, err := config.Load(config.Options{WithoutTokens: true, Environ: []string{"SLUICE_SETTINGS_SHOP_GREETING=Hello"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	parts, stop, err := worker.Prepare(context.Background(), cfg, ownHandlers, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	registry, _ := parts.Handlers.(*handler.Registry)
	fmt.Println(slices.Contains(registry.Types(), "orderPaid"))
	stop()
	// Output:
	// true
	// closed
}

// It needs the streams of a NATS server, so it is compiled here.
func ExampleNew() {
	_ = func(ctx context.Context, cfg *config.Config, log *slog.Logger) error { // This is part of a program of yours.
		parts, stop, err := worker.Prepare(ctx, cfg, ownHandlers, nil, log)
		if err != nil {
			return err
		}
		defer stop()
		conn, err := stream.Connect(cfg.NATS, "shop", log)
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
			return err
		}
		return works.Run(ctx) // It works until the context ends.
	}
}

func ExampleDefaultRetryDelays() {
	delays := worker.DefaultRetryDelays()
	delays.Longest = time.Hour // In place of three.
	_ = worker.Parts{RetryDelays: &delays}
}
