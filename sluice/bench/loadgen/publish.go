package loadgen

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
)

const (
	// SourceName is the source that everything is sent as.
	SourceName = "green-api"
	// bareSubject is one of the stream's.
	bareSubject = "in.0." + SourceName
)

// publisher stores through Sluice's publisher what a gateway would store.
type publisher struct {
	streams  *stream.Publisher
	provider source.Provider
	message  *Template
}

func newPublisher(streams *stream.Publisher, m *Template) *publisher {
	return &publisher{streams, source.Providers()[SourceName], m}
}

func (p *publisher) send(ctx context.Context, number int) (answer, error) {
	p.message.write(number)
	n := Received(p.provider, p.message.body)
	receipt, err := p.streams.PublishNotification(ctx, n)
	return answer{status: http.StatusOK, receipt: receipt}, err
}

func (*publisher) close() {}

// Received is what a gateway makes of a body.
func Received(provider source.Provider, body []byte) *notification.Notification {
	n := &notification.Notification{Origin: notification.Origin{
		Source: SourceName, Provider: provider.Name,
		ReceivedAt: time.Now(), ContentType: "application/json", RemoteAddress: "127.0.0.1",
		RequestID: rand.Text(), Body: body,
	}}
	n.Type, n.Instance = provider.Peek(n)
	return n
}

// barePublisher publishes and nothing else.
type barePublisher struct {
	js      jetstream.JetStream
	message *Template
}

func (b *barePublisher) send(ctx context.Context, number int) (answer, error) {
	b.message.write(number)
	receipt, err := PublishBare(ctx, b.js, b.message.body)
	return answer{status: http.StatusOK, receipt: receipt}, err
}

func (*barePublisher) close() {}

// PublishBare is what is written when nobody measures: one publish for one body.
func PublishBare(ctx context.Context, js jetstream.JetStream, body []byte) (receipt uint64, err error) {
	message := nats.NewMsg(bareSubject)
	message.Header.Set(nats.MsgIdHdr, rand.Text())
	message.Data = body
	ack, err := js.PublishMsg(ctx, message)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// fillers is how many goroutines publish a backlog, so that they share batches.
const fillers = consume.MaxBatch

// Fill stores that many notifications through Sluice's publisher. A publish that fails ends its goroutine's share.
func Fill(ctx context.Context, streams *stream.Publisher, count, size, instances int) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	run := NewRun()
	failures := make([]error, fillers)
	var group sync.WaitGroup
	for i := range fillers {
		group.Go(func() {
			from := newPublisher(streams, NewTemplate(run, i, size, instances, NoHead))
			for number := 0; number*fillers+i < count && failures[i] == nil; number++ {
				_, failures[i] = from.send(ctx, number)
			}
		})
	}
	group.Wait()
	return errors.Join(failures...)
}
