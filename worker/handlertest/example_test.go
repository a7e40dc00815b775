package handlertest_test

import (
	"context"
	"testing"

	"sluice.internal/worker/handler"
	"sluice.internal/worker/handlertest"
)

func ExampleHandle() {
	_ = func(t *testing.T) { // This is a test of yours.
		t.Helper()
		registry := handler.New()
		handler.Register(registry, "green-api", "incomingCall", func(context.Context, handler.Event[struct{}]) error { return nil })
		result := handlertest.Handle(t, registry, handlertest.Notification{
			Body: `{"typeWebhook":"incomingCall","from":"79001234567@c.us","status":"offer"}`,
		})
		if result.Err != nil {
			t.Error(result.Err)
		}
	}
}
