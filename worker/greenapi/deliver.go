package greenapi

import (
	"context"
	"errors"
	"fmt"
	"time"

	api "sluice.internal/shared/greenapi"
	"sluice.internal/shared/source/chat"
	"sluice.internal/worker/handler"
)

// Delivery is a text that was written down to be sent later, such as a message in the outbox of worker/postgres.
type Delivery struct {
	// Source and Instance say by which account it is sent.
	Source, Instance string
	// Chat and Text are what is sent where.
	Chat, Text string
	// WrittenAt is when it was written down. Unsure says that an attempt since then may have sent it.
	WrittenAt time.Time
	Unsure    bool
}

// Deliver sends the text. Where it may have been sent before, GREEN-API's queue and journal are asked first, and what they have is
// not sent again. The journal may know of a message two minutes after it was sent only, so an attempt of which it is not known
// what came of it is followed by the next one no sooner than then: the error asks for that. The error is a verdict.
//
// It is what a postgres.Sender calls:
//
//	postgres.NewSender(pool, func(ctx context.Context, m postgres.Message) error {
//		return accounts.Deliver(ctx, greenapi.Delivery{
//			Source: m.Source, Instance: m.Instance, Chat: m.Chat, Text: string(m.Body), WrittenAt: m.CreatedAt, Unsure: m.Unsure,
//		})
//	}, postgres.SenderOptions{Log: env.Log}).Start(ctx, env)
func (a *Accounts) Deliver(ctx context.Context, d Delivery) error {
	client, err := a.Client(d.Source, d.Instance)
	if err != nil {
		return handler.RetryAfter(personPause, err)
	}
	if d.Unsure {
		id, err := find(ctx, client, d.WrittenAt, func(one Outgoing) bool {
			return chat.Normal(one.ChatID) == chat.Normal(d.Chat) && sameText(one.Text, d.Text)
		})
		if id != "" || err != nil {
			return err
		}
	}
	_, err = client.SendMessage(ctx, Message{ChatID: d.Chat, Text: d.Text})
	if failure := (*api.Error)(nil); errors.As(err, &failure) && failure.MayBeDone {
		return handler.RetryAfter(settled-sendTimeout, fmt.Errorf("whether it went out is found out then: %w", err))
	}
	return err
}
