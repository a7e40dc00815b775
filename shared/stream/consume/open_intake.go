package consume

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// openIntake opens the consumer of a shard or makes it, in the place of the one that programs with version 1 of the keys used.
// Any number of workers may do it at the same time: whose consumer is made first says where it begins. What goes on is told in
// stream/key_version.go.
func (s *Client) openIntake(ctx context.Context, shard int) (jetstream.Consumer, error) {
	for {
		present, err := stream.RetryUntilLeader(ctx, s.core, func(ctx context.Context) (jetstream.Consumer, error) {
			return s.js.Consumer(ctx, stream.Notifications, wire.IntakeName(shard))
		})
		if err == nil {
			// Where it begins can't be changed, and what is former was found out when it was made; all else follows the program.
			config, made := intakeConfig(shard), present.CachedInfo().Config
			config.OptStartSeq, config.Metadata = made.OptStartSeq, map[string]string{wire.MetadataFormer: made.Metadata[wire.MetadataFormer]}
			return s.openConsumer(ctx, stream.Notifications, config)
		}
		if !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil, err
		}
		done, until, err := s.retireFormer(ctx, shard)
		if err != nil {
			return nil, err
		}
		config := intakeConfig(shard)
		config.OptStartSeq, config.Metadata = done+1, map[string]string{wire.MetadataFormer: strconv.FormatUint(until, 10)}
		made, err := stream.RetryUntilLeader(ctx, s.core, func(ctx context.Context) (jetstream.Consumer, error) {
			return s.js.CreateConsumer(ctx, stream.Notifications, config)
		})
		if errors.Is(err, jetstream.ErrConsumerExists) { // Another worker was first.
			continue
		}
		if err == nil && until > 0 {
			s.log.Info("shard goes on with keys of the present version", "shard", shard, "from", until+1)
		}
		return made, err
	}
}

const (
	// forGood is for how long a consumer is stopped that nobody is to use any more.
	forGood = 100 * 365 * 24 * time.Hour
	// retirePause is the time between two looks at whether a consumer has stopped.
	retirePause = 100 * time.Millisecond
)

// retireFormer stops the consumer of a shard that programs with version 1 of the keys used. It returns up to where that was done
// with, and the last notification that was stored by then: what it handed out before it stopped is among those. Both are 0 where
// there is none, as in streams that are new.
func (s *Client) retireFormer(ctx context.Context, shard int) (done, until uint64, err error) {
	name := wire.FormerIntakeName(shard)
	for {
		info, err := stream.RetryUntilLeader(ctx, s.core, func(ctx context.Context) (*jetstream.ConsumerInfo, error) {
			former, err := s.js.Consumer(ctx, stream.Notifications, name)
			if err != nil {
				return nil, err
			}
			return former.CachedInfo(), nil
		})
		switch {
		case errors.Is(err, jetstream.ErrConsumerNotFound):
			return 0, 0, nil
		case err != nil:
			return 0, 0, fmt.Errorf("look at consumer %s: %w", name, err)
		case info.Paused:
			// The end is looked up after the consumer has stopped: it hands out nothing that comes behind.
			opened, err := s.core.Stream(ctx, stream.Notifications)
			if err != nil {
				return 0, 0, err
			}
			return info.AckFloor.Stream, opened.CachedInfo().State.LastSeq, nil
		}
		if _, err := stream.RetryUntilLeader(ctx, s.core, func(ctx context.Context) (*jetstream.ConsumerPauseResponse, error) {
			return s.js.PauseConsumer(ctx, stream.Notifications, name, time.Now().Add(forGood))
		}); err != nil {
			return 0, 0, fmt.Errorf("stop consumer %s: %w", name, err)
		}
		if err := service.Sleep(ctx, retirePause); err != nil { // On replicas it takes a moment.
			return 0, 0, err
		}
	}
}
