package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
)

// A region's notifications come to the centre over two sources, each with a durable consumer:
//
//	region: NOTIFICATIONS ─CENTRE─▶ centre, the region's account: REGION_X ─SLUICE─▶ centre, the streams' account: NOTIFICATIONS
//
// The account between the two is the wall: the server answers a region's control messages to whatever subject these name,
// and in that account it reaches nothing but what the region has put in. The consumers are durable because a source that
// makes one by itself looks for its place in what its own stream still holds, and these streams are emptied.
//
// The subjects stand in the accounts that sluice/credentials writes, too.
const (
	// regionConsumer is the consumer of a region's NOTIFICATIONS by which the centre takes them.
	regionConsumer = "CENTRE"
	// regionArrival is where they are delivered, within the region's account.
	regionArrival = "region.arrived"
	// regionAPI is the JetStream API of the domain that nats/region.conf names.
	regionAPI = "$JS.region.API"
	// stagedConsumer is the consumer of a region's stream at the centre by which NOTIFICATIONS takes them.
	stagedConsumer = "SLUICE"
	// unacknowledged is how many messages may be on their way between two streams.
	unacknowledged = 1000
)

// ShareNotifications lets the centre take this region's notifications: it is for a region's streams.
func (s *Client) ShareNotifications(ctx context.Context) error {
	consumer := sourceConsumer(regionConsumer, regionArrival, "the centre takes notifications")
	err := stream.Repeat(ctx, s.core, func(ctx context.Context) error {
		_, err := s.js.CreateOrUpdatePushConsumer(ctx, stream.Notifications, consumer)
		return err
	})
	if err != nil {
		return fmt.Errorf("create consumer %s of stream %s: %w", regionConsumer, stream.Notifications, err)
	}
	return nil
}

// TakeFromRegion makes NOTIFICATIONS take a region's as well: it is for the centre's streams. Between the two there is a
// stream of at most maxBytes; when it is full, the region keeps what it has. What is there already stays. A region that
// shares later is taken from as soon as it does.
func (s *Client) TakeFromRegion(ctx context.Context, region string, maxBytes int64) error {
	if err := stream.CheckRegion(region); err != nil {
		return err
	}
	target, err := s.core.Stream(ctx, stream.Notifications)
	if err != nil {
		return err
	}
	config, name := target.CachedInfo().Config, stream.RegionAccount(region)
	api, taken := "region."+region+".api", "region."+region+".taken"
	account, err := jetstream.NewWithAPIPrefix(s.js.Conn(), api)
	if err != nil {
		return fmt.Errorf("open JetStream of region %q: %w", region, err)
	}
	// A region that is not set up does not answer, so that these are asked once.
	bounded, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	_, err = account.CreateOrUpdateStream(bounded, jetstream.StreamConfig{
		Name: name, Description: "notifications of a region, until NOTIFICATIONS has taken them",
		// It holds what is still to take and nothing else.
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, MaxBytes: maxBytes,
		Storage: jetstream.FileStorage, Replicas: config.Replicas,
		Sources: []*jetstream.StreamSource{{
			Name: stream.Notifications, External: &jetstream.ExternalStream{APIPrefix: regionAPI},
			Consumer: &jetstream.StreamConsumerSource{Name: regionConsumer, DeliverSubject: regionArrival},
		}},
	})
	if err != nil {
		return fmt.Errorf("create stream %s of region %q: %w", name, region, explainRegion(err))
	}
	consumer := sourceConsumer(stagedConsumer, taken, "the centre's NOTIFICATIONS takes them")
	// A region sends what it likes. What is no notification stays where it is.
	consumer.FilterSubject = "in.>"
	if _, err := account.CreateOrUpdatePushConsumer(bounded, name, consumer); err != nil {
		return fmt.Errorf("create consumer %s of stream %s: %w", stagedConsumer, name, err)
	}
	if slices.ContainsFunc(config.Sources, func(source *jetstream.StreamSource) bool { return source.Name == name }) {
		return nil
	}
	config.Sources = append(config.Sources, &jetstream.StreamSource{
		Name: name, External: &jetstream.ExternalStream{APIPrefix: api},
		Consumer: &jetstream.StreamConsumerSource{Name: stagedConsumer, DeliverSubject: taken},
	})
	if _, err := s.js.UpdateStream(bounded, config); err != nil {
		return fmt.Errorf("update stream %s: %w", stream.Notifications, err)
	}
	return nil
}

// Staged is the stream between a region and NOTIFICATIONS.
type Staged struct {
	Stream string
	// Messages is how many it holds: they are in none of the other streams yet. Known is false where nobody answered for it.
	Messages uint64
	Known    bool
}

// StagedRegions returns the streams between the regions and NOTIFICATIONS, none where nothing is taken from regions.
func (s *Client) StagedRegions(ctx context.Context) ([]Staged, error) {
	target, err := s.core.Stream(ctx, stream.Notifications)
	if err != nil {
		return nil, err
	}
	var all []Staged
	for _, source := range target.CachedInfo().Config.Sources {
		if source.External == nil {
			continue
		}
		staged := Staged{Stream: source.Name}
		account, err := jetstream.NewWithAPIPrefix(s.js.Conn(), source.External.APIPrefix)
		if err != nil {
			return nil, fmt.Errorf("open JetStream behind %s: %w", source.Name, err)
		}
		bounded, cancel := context.WithTimeout(ctx, stream.LookTimeout)
		held, err := account.Stream(bounded, source.Name)
		cancel()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == nil {
			staged.Messages, staged.Known = held.CachedInfo().State.Msgs, true
		}
		all = append(all, staged)
	}
	return all, nil
}

// sourceConsumer is a consumer from which another stream takes all messages: what that has stored is acknowledged with
// the answers to flow control.
func sourceConsumer(name, deliver, description string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: name, Description: description, DeliverSubject: deliver,
		AckPolicy: jetstream.AckFlowControlPolicy, MaxAckPending: unacknowledged,
		FlowControl: true, IdleHeartbeat: time.Second, // The server takes no other.
	}
}

// explainRegion adds what to do when nobody answers for a region's account.
func explainRegion(err error) error {
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrJetStreamNotEnabled) {
		return fmt.Errorf("%w; does the NATS of the centre know the region? (sluice secrets make --region)", err)
	}
	return err
}
