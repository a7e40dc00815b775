package bench

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
)

const (
	sourceName = "green-api"
	// bareSubject is one of the stream's.
	bareSubject = "in.0." + sourceName
)

// publisher stores through Sluice's publisher what a gateway would store.
type publisher struct {
	streams  *stream.Streams
	provider source.Provider
	message  *message
}

func newPublisher(streams *stream.Streams, m *message) *publisher {
	return &publisher{streams, source.Providers()[sourceName], m}
}

func (p *publisher) send(ctx context.Context, number int) (answer, error) {
	p.message.write(number)
	n := received(p.provider, p.message.body)
	receipt, err := p.streams.PublishNotification(ctx, n)
	return answer{status: http.StatusOK, receipt: receipt}, err
}

func (*publisher) close() {}

// received is what a gateway makes of a body.
func received(provider source.Provider, body []byte) *notification.Notification {
	n := &notification.Notification{
		Source: sourceName, Provider: provider.Name,
		ReceivedAt: time.Now(), ContentType: "application/json", RemoteAddress: "127.0.0.1",
		RequestID: rand.Text(), Body: body,
	}
	n.Type, n.Instance = provider.Peek(n)
	return n
}

// barePublisher publishes and nothing else.
type barePublisher struct {
	js      jetstream.JetStream
	message *message
}

func (b *barePublisher) send(ctx context.Context, number int) (answer, error) {
	b.message.write(number)
	receipt, err := publishBare(ctx, b.js, b.message.body)
	return answer{status: http.StatusOK, receipt: receipt}, err
}

func (*barePublisher) close() {}

// publishBare is what is written when nobody measures: one publish for one body.
func publishBare(ctx context.Context, js jetstream.JetStream, body []byte) (receipt uint64, err error) {
	message := nats.NewMsg(bareSubject)
	message.Header.Set(nats.MsgIdHdr, rand.Text())
	message.Data = body
	ack, err := js.PublishMsg(ctx, message)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}
