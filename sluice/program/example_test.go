package program_test

import (
	"context"

	"sluice.internal/sluice/program"
	"sluice.internal/worker"
	"sluice.internal/worker/handler"
)

// It is a whole command, which runs until a signal comes where its arguments say `up`, so it is compiled here.
func ExampleMain() {
	handlers := func(context.Context, *worker.Env) (*handler.Registry, error) {
		registry := handler.BuiltIn()
		handler.Register(registry, "green-api", "orderPaid", func(_ context.Context, event handler.Event[struct{}]) error {
			event.Log.Info("order paid")
			return nil
		})
		return registry, nil
	}
	_ = func() { // This is your func main().
		program.Main(handlers)
	}
}
