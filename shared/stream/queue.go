package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// queueAckWait is how long a queue waits for a worker that gives no sign of life, before it hands the event to
	// another one.
	queueAckWait = 8 * time.Second
	// KeepAlive is how often a worker has to say that it is still busy with an event.
	KeepAlive = queueAckWait / 3
	// queuePull is how many events a worker asks for at once. It gets them one by one all the same; asking for
	// more spares requests.
	queuePull = 64
	// pullTime is how long the server believes that somebody who asked for events is there. It is shorter than
	// queueAckWait, so that a worker that froze gets one event of a queue and not another one after that.
	pullTime = 5 * time.Second
)

// Queue is one of a group's consumers.
type Queue struct {
	streams  *Streams
	consumer jetstream.Consumer
	name     string
	group    string
	born     time.Time // of the group; tells it from one of the same name that was removed
	due      bool
}

// Due tells whether the queue has what was parked or is handed over again, instead of what is new.
func (q *Queue) Due() bool { return q.due }

// Serial hands the queue's events to handle, one after the other, until stop is called. Stop returns when the last
// call of handle has. Handle settles each delivery. Problems go to report, which must not block.
func (q *Queue) Serial(handle func(*Delivery), report func(error)) (stop func(), err error) {
	consuming, err := q.consumer.Consume(func(message jetstream.Msg) {
		delivery, err := q.read(message)
		if err != nil {
			report(err)
			return
		}
		handle(delivery)
	}, jetstream.PullMaxMessages(queuePull), jetstream.PullExpiry(pullTime),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			report(fmt.Errorf("consume queue %q: %w", q.name, err))
		}))
	if err != nil {
		return nil, fmt.Errorf("consume queue %q: %w", q.name, err)
	}
	return func() {
		consuming.Drain()
		<-consuming.Closed()
	}, nil
}

// Fetch hands up to count events to handle as they come, and waits a while for them. Handle must not block. It
// returns how many there were.
func (q *Queue) Fetch(ctx context.Context, count int, handle func(*Delivery)) (fetched int, err error) {
	bounded, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	batch, err := q.consumer.Fetch(count, jetstream.FetchContext(bounded))
	if err != nil {
		return 0, fmt.Errorf("fetch from queue %q: %w", q.name, err)
	}
	for message := range batch.Messages() {
		delivery, err := q.read(message)
		if err != nil {
			return fetched, err
		}
		fetched++
		handle(delivery)
	}
	if err := batch.Error(); err != nil && bounded.Err() == nil {
		return fetched, fmt.Errorf("fetch from queue %q: %w", q.name, err)
	}
	return fetched, nil
}
