// Package handlers says what happens with the events of shop.
package handlers

import (
	"context"
	"time"

	"sluice.internal/worker"
	"sluice.internal/worker/greenapi"
	"sluice.internal/worker/handler"
	"sluice.internal/worker/postgres"
)

// settings are what sluice.yaml has below settings.shop.
type settings struct {
	// Thanks is answered to who paid; empty answers nothing.
	Thanks string `yaml:"thanks"`
}

// New makes the handlers: the built-in ones and those of this module.
func New(ctx context.Context, env *worker.Env) (*handler.Registry, error) {
	shop := &shop{}
	if err := env.Config("shop", &shop.settings); err != nil {
		return nil, err
	}
	accounts, err := env.GreenAPI()
	if err != nil {
		return nil, err
	}
	pool, err := postgres.Open(ctx, env)
	if err != nil {
		return nil, err
	}
	// What plays GREEN-API has a message in its journal at once, so nobody has to wait until it has.
	options := postgres.SenderOptions{Log: env.Log, Timeout: 10 * time.Second, Settle: 10 * time.Second}
	postgres.NewSender(pool, func(ctx context.Context, m postgres.Message) error {
		return accounts.Deliver(ctx, greenapi.Delivery{
			Source: m.Source, Instance: m.Instance, Chat: m.Chat, Text: string(m.Body), WrittenAt: m.CreatedAt, Unsure: m.Unsure,
		})
	}, options).Start(ctx, env)

	registry, own := handler.BuiltIn(), handler.New()
	registry.Use(logSlow)
	handler.Register(own, "green-api", "orderPaid", shop.orderPaid)
	handler.Register(own, "green-api", "incomingMessageReceived", postgres.Handle(pool, ordered))
	registry.Include(own) // In place of the built-in handler.
	return registry, nil
}

// shop is what the handlers share.
type shop struct{ settings settings }
