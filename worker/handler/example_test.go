package handler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice.internal/worker/handler"
)

// OrderPaid is the part of a body that a handler reads.
type OrderPaid struct {
	OrderID string `json:"orderId"`
}

func ExampleNew() {
	registry := handler.New() // Of the types that nothing is registered for, nothing happens.
	handler.Register(registry, "green-api", "orderPaid", func(context.Context, handler.Event[OrderPaid]) error { return nil })
	fmt.Println(registry.Types())
	// Output: [orderPaid]
}

func ExampleBuiltIn() {
	registry := handler.BuiltIn()
	handler.Register(registry, "green-api", "orderPaid", func(context.Context, handler.Event[OrderPaid]) error { return nil })
	fmt.Println(slices.Contains(registry.Types(), "incomingCall"), slices.Contains(registry.Types(), "orderPaid"))
	// Output: true true
}

// A type whose handler asks a slow service may take longer than worker.handler_timeout says.
func ExampleTimeout() {
	registry := handler.New()
	handler.Register(registry, "green-api", "orderPaid", func(ctx context.Context, _ handler.Event[OrderPaid]) error {
		return ctx.Err() // Its context ends after that time, and the try has failed.
	}, handler.Timeout(3*time.Minute))
	fmt.Println(registry.Timeout("green-api", "orderPaid"))
	// Output: 3m0s
}

func ExampleRegister() {
	registry := handler.BuiltIn()
	handler.Register(registry, "green-api", "orderPaid", func(_ context.Context, event handler.Event[OrderPaid]) error {
		event.Log.Info("order paid", "order", event.Body.OrderID)
		return nil
	}, handler.Timeout(5*time.Second))
	fmt.Println(registry.Timeout("green-api", "orderPaid"))
	// Output: 5s
}

func ExampleRegistry_Include() {
	mine := handler.New()
	handler.Register(mine, "green-api", "incomingCall", func(context.Context, handler.Event[struct{}]) error {
		return nil // In place of the built-in one.
	})
	registry := handler.BuiltIn()
	registry.Include(mine)
	fmt.Println(len(registry.Pairs()) == len(handler.BuiltIn().Pairs()))
	// Output: true
}

func ExampleRegistry_Use() {
	slow := func(next handler.Func) handler.Func {
		return func(ctx context.Context, event handler.Event[handler.Document]) error {
			began := time.Now()
			err := next(ctx, event)
			if took := time.Since(began); took > time.Second {
				event.Log.Warn("slow handler", "took", took)
			}
			return err
		}
	}
	registry := handler.BuiltIn()
	registry.Use(slow)
}

func ExamplePermanent() {
	err := handler.Permanent(errors.New("no such customer"))
	fmt.Println(err, errors.Is(err, handler.ErrPermanent))
	// Output: no such customer true
}

func ExampleRetryAfter() {
	err := handler.RetryAfter(30*time.Second, errors.New("the CRM is closed"))
	delay, ok := handler.RetryDelay(err)
	fmt.Println(err, delay, ok)
	// Output: the CRM is closed 30s true
}

// Middleware may want to know what a handler has decided.
func ExampleRetryDelay() {
	for _, err := range []error{handler.RetryAfter(time.Minute, errors.New("busy")), errors.New("any other")} {
		delay, ok := handler.RetryDelay(err)
		fmt.Println(delay, ok)
	}
	// Output:
	// 1m0s true
	// 0s false
}

func ExampleAbout_Alert() {
	registry := handler.New()
	handler.Register(registry, "green-api", "orderPaid", func(ctx context.Context, event handler.Event[OrderPaid]) error {
		if event.Body.OrderID == "" {
			return event.Alert(ctx, "warning", "an order without a number", "look at the shop's settings")
		}
		return nil
	})
}

func ExampleAbout_Reply() {
	registry := handler.New()
	handler.Register(registry, "green-api", "orderPaid", func(ctx context.Context, event handler.Event[OrderPaid]) error {
		// The customer gets it once, however often the event is tried or replayed.
		return event.Reply(ctx, "Thank you for order "+event.Body.OrderID+".")
	})
}
