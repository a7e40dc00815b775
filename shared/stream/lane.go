package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
)

const (
	// laneAckWait is how long a lane waits for a worker that gives no sign of life, before it hands the event to
	// another one.
	laneAckWait = 8 * time.Second
	// KeepAlive is how often a worker has to say that it is still busy with an event.
	KeepAlive = laneAckWait / 3
	// lanePull is how many events a worker asks for at once. It gets them one by one all the same; asking for
	// more spares requests.
	lanePull = 64
	// allTypes stands in a group's metadata for: whatever has a handler.
	allTypes = "*"
)

// Delivery is an event handed to one worker of a group. It is settled by exactly one of Done and Retry; until
// then, and while KeepAlive is called in time, its lane stands still.
type Delivery struct {
	notification.Event
	message jetstream.Msg
}

// Done says that the group is finished with the event.
func (d *Delivery) Done() error {
	if err := d.message.Ack(); err != nil {
		return fmt.Errorf("acknowledge event %d: %w", d.Sequence, err)
	}
	return nil
}

// Retry asks for the event again after the delay.
func (d *Delivery) Retry(delay time.Duration) error {
	if err := d.message.NakWithDelay(delay); err != nil {
		return fmt.Errorf("ask again for event %d: %w", d.Sequence, err)
	}
	return nil
}

// KeepAlive says that the worker is still busy with the event.
func (d *Delivery) KeepAlive() error {
	if err := d.message.InProgress(); err != nil {
		return fmt.Errorf("keep event %d: %w", d.Sequence, err)
	}
	return nil
}

// Group is a set of handlers that share durable consumers, one for each lane.
type Group struct {
	streams   *Streams
	name      string
	consumers []jetstream.Consumer
}

// Group opens a group's consumers and makes those that are not there; a new group begins with the oldest event
// that is kept. Types are the handlers it was restricted to, nil for all. Workers of one group share its events,
// so a worker with other types would take events away from the others: while they run, that is an error.
func (s *Streams) Group(ctx context.Context, name string, types []string) (*Group, error) {
	group := &Group{streams: s, name: name, consumers: make([]jetstream.Consumer, s.lanes)}
	wanted := joinTypes(types)
	if err := group.checkTypes(ctx, wanted); err != nil {
		return nil, err
	}
	for lane := range group.consumers {
		consumer, err := s.js.CreateOrUpdateConsumer(ctx, Events, group.config(lane, wanted))
		if err != nil {
			return nil, fmt.Errorf("open consumer %s: %w", group.consumerName(lane), err)
		}
		group.consumers[lane] = consumer
	}
	return group, nil
}

func (g *Group) consumerName(lane int) string { return g.name + "-" + strconv.Itoa(lane) }

func (g *Group) config(lane int, types string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       g.consumerName(lane),
		Description:   "hands lane " + strconv.Itoa(lane) + " to group " + g.name,
		FilterSubject: "events." + strconv.Itoa(lane) + ".>",
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       laneAckWait,
		MaxAckPending: 1,
		MaxDeliver:    -1,
		Metadata:      map[string]string{metadataGroup: g.name, metadataTypes: types},
	}
}

func joinTypes(types []string) string {
	if len(types) == 0 {
		return allTypes
	}
	return strings.Join(slices.Sorted(slices.Values(types)), ",")
}

// checkTypes refuses to join a running group that handles other types.
func (g *Group) checkTypes(ctx context.Context, wanted string) error {
	consumer, err := g.streams.js.Consumer(ctx, Events, g.consumerName(0))
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open consumer %s: %w", g.consumerName(0), err)
	}
	info := consumer.CachedInfo()
	present := info.Config.Metadata[metadataTypes]
	if present == wanted || info.NumWaiting == 0 {
		return nil
	}
	return fmt.Errorf("group %q is running with types %q and this worker has %q: the workers of a group share its events; "+
		"choose another group, or stop the group's other workers first", g.name, present, wanted)
}

// Consume hands the lane's events to handle, one after the other, until stop is called. Stop returns when the
// last call of handle has. Handle settles each delivery. Problems go to report, which must not block.
func (g *Group) Consume(lane int, handle func(*Delivery), report func(error)) (stop func(), err error) {
	consuming, err := g.consumers[lane].Consume(func(message jetstream.Msg) {
		delivery, err := readDelivery(message)
		if err != nil {
			report(err)
			return
		}
		handle(delivery)
	}, jetstream.PullMaxMessages(lanePull), jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		report(fmt.Errorf("consume lane %d of group %q: %w", lane, g.name, err))
	}))
	if err != nil {
		return nil, fmt.Errorf("consume lane %d of group %q: %w", lane, g.name, err)
	}
	return func() {
		consuming.Drain()
		<-consuming.Closed()
	}, nil
}

func readDelivery(message jetstream.Msg) (*Delivery, error) {
	metadata, err := message.Metadata()
	if err != nil {
		return nil, fmt.Errorf("read metadata of an event: %w", err)
	}
	event := readEvent(message.Subject(), message.Headers(), message.Data(), metadata.Sequence.Stream)
	event.Attempt = int(metadata.NumDelivered) //nolint:gosec // A count of tries.
	return &Delivery{Event: event, message: message}, nil
}

// groupsOf tells the groups' consumers apart by their metadata.
func groupsOf(consumers []*jetstream.ConsumerInfo) map[string][]*jetstream.ConsumerInfo {
	groups := map[string][]*jetstream.ConsumerInfo{}
	for _, info := range consumers {
		if group := info.Config.Metadata[metadataGroup]; group != "" {
			groups[group] = append(groups[group], info)
		}
	}
	return groups
}

// names returns the keys of a map in order.
func names[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
