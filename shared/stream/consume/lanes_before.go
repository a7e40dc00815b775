package consume

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

const (
	// guardTime is how long a worker of the version before may take to make its consumers after it looked for a guard.
	guardTime = 2 * time.Second
	// settlePause is the time between two looks at what a lane's consumer has handed out.
	settlePause = 200 * time.Millisecond
	// settleTimeout is how long an event that was handed out may be under way once its lane stands still. After that the
	// lane goes on for a moment, so that an event whose worker is gone comes again.
	settleTimeout = AckWait
)

// farFuture is until when lanes stand still that were taken over.
func farFuture() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }

// guard keeps workers of the version before, which had a consumer for each lane, from making these: a group that has a
// consumer of that name looks unordered to them, so that they refuse to begin.
func (g *Group) guard(ctx context.Context) error {
	if g.settings.Unordered {
		return nil
	}
	name := g.settings.Name + wire.UnorderedSuffix
	info, err := g.streams.consumerInfo(ctx, stream.Events, name)
	if err != nil || info != nil {
		return err
	}
	_, err = g.streams.openConsumer(ctx, stream.Events, jetstream.ConsumerConfig{
		Durable: name, Description: "keeps workers of an older version out of group " + g.settings.Name,
		FilterSubject: wire.NoEvents, AckPolicy: jetstream.AckExplicitPolicy,
		Metadata: map[string]string{wire.MetadataGroup: g.settings.Name, wire.MetadataMoved: wire.MovedGuard},
	})
	if err != nil {
		return fmt.Errorf("open consumer %s of stream %s: %w", name, stream.Events, err)
	}
	lane, err := g.streams.consumerInfo(ctx, stream.Events, wire.LaneName(g.settings.Name, 0))
	if err == nil && lane != nil {
		err = service.Sleep(ctx, guardTime)
	}
	return err
}

// lanesPresent returns the consumers that lanes of the partition had in an older version.
func (p *Partition) lanesPresent(ctx context.Context) (present []*jetstream.ConsumerInfo, err error) {
	for _, lane := range p.plan.lanes {
		info, err := p.streams.consumerInfo(ctx, p.plan.stream, wire.LaneName(p.group.settings.Name, lane))
		if err != nil {
			return nil, err
		}
		if info != nil {
			present = append(present, info)
		}
	}
	return present, nil
}

// takeOver makes the lanes of an older version stand still, waits until what they have handed out is done, and lets the
// partition's consumer begin there. Several workers may do so at the same time: they come to the same end.
func (p *Partition) takeOver(ctx context.Context, config *jetstream.ConsumerConfig) error {
	present, err := p.lanesPresent(ctx)
	if err != nil || len(present) == 0 {
		return err
	}
	p.streams.log.Info("taking over from the consumers of an older version", "partition", p.plan.name)
	config.Metadata[wire.MetadataBorn] = bornAt(present[0]).UTC().Format(time.RFC3339Nano)
	done := map[int]uint64{}
	for _, lane := range p.plan.lanes {
		floor, err := p.settleLane(ctx, lane)
		if errors.Is(err, errTakenOver) {
			return p.keepOther(ctx, config)
		}
		if err != nil {
			return err
		}
		done[lane] = floor
	}
	if p.Due() { // What is done there is gone from the stream, and no two consumers may have the same subjects.
		return p.deleteLanes(ctx, present)
	}
	first := slices.Min(slices.Collect(maps.Values(done)))
	config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, first+1
	config.Metadata[wire.MetadataDone] = wire.WriteDone(done)
	return nil
}

var errTakenOver = errors.New("another worker has taken over")

// keepOther takes on what another worker has made.
func (p *Partition) keepOther(ctx context.Context, config *jetstream.ConsumerConfig) error {
	info, err := p.streams.consumerInfo(ctx, p.plan.stream, p.plan.name)
	if err == nil && info != nil {
		keepOrigin(config, info)
	}
	return err
}

// settleLane makes a lane stand still and returns up to which sequence it is done. An event that is under way is waited for,
// for as long as its worker lives; where that has gone, it counts as not done.
func (p *Partition) settleLane(ctx context.Context, lane int) (floor uint64, err error) {
	name := wire.LaneName(p.group.settings.Name, lane)
	var mine *Delivery // the lane's only event under way, in this worker's hands
	for service.Sleep(ctx, settlePause) == nil {
		if other, err := p.streams.consumerInfo(ctx, p.plan.stream, p.plan.name); err != nil || other != nil {
			return 0, cmp.Or(err, errTakenOver)
		}
		info, err := p.streams.consumerInfo(ctx, p.plan.stream, name)
		if err != nil || info == nil {
			return 0, err // A lane without a consumer has done nothing.
		}
		if info.NumAckPending == 0 || isMine(info, mine) {
			if floor, settled, err := p.haltLane(ctx, info, mine); err != nil || settled {
				return floor, err
			}
		}
		if mine, err = p.askLane(ctx, name, mine); err != nil {
			return 0, err
		}
	}
	return 0, ctx.Err()
}

// isMine reports whether what a lane has handed out is this delivery and nothing else.
func isMine(info *jetstream.ConsumerInfo, mine *Delivery) bool {
	return mine != nil && info.NumAckPending == 1 && info.Delivered.Consumer == mine.deliverySeq
}

// haltLane makes a lane stand still and returns up to where it is done, when nothing else was handed out until then, or that
// is done within a time.
func (p *Partition) haltLane(ctx context.Context, info *jetstream.ConsumerInfo, mine *Delivery) (floor uint64, settled bool, err error) {
	if err := p.setLane(ctx, info, farFuture()); err != nil {
		return 0, false, err
	}
	for begin := time.Now(); time.Since(begin) < settleTimeout; {
		now, err := p.streams.consumerInfo(ctx, p.plan.stream, info.Name)
		if err != nil || now == nil {
			return 0, false, err
		}
		if now.Paused && (now.NumAckPending == 0 || isMine(now, mine)) {
			return now.AckFloor.Stream, true, nil
		}
		if err := service.Sleep(ctx, settlePause); err != nil {
			return 0, false, err
		}
	}
	return 0, false, p.setLane(ctx, info, time.Time{})
}

// setLane makes a lane stand still until a time, or go on. A worker of the version before that opens the lane does not change
// that.
func (p *Partition) setLane(ctx context.Context, info *jetstream.ConsumerInfo, until time.Time) error {
	config := info.Config
	config.Metadata = maps.Clone(config.Metadata)
	if config.Metadata == nil {
		config.Metadata = map[string]string{}
	}
	if until.IsZero() {
		delete(config.Metadata, wire.MetadataMoved)
	} else {
		config.Metadata[wire.MetadataMoved] = p.plan.name
	}
	_, err := stream.RetryUntilLeader(ctx, p.streams.core, func(ctx context.Context) (*jetstream.ConsumerPauseResponse, error) {
		return p.streams.js.PauseConsumer(ctx, p.plan.stream, info.Name, until)
	})
	if err == nil {
		_, err = p.streams.openConsumer(ctx, p.plan.stream, config)
	}
	if err != nil {
		return fmt.Errorf("take over from consumer %s of stream %s: %w", info.Name, p.plan.stream, err)
	}
	return nil
}

// askLane asks a lane for the event that it has handed out: it comes again when its worker gives no sign of life. What comes
// instead is new, and given back.
func (p *Partition) askLane(ctx context.Context, name string, before *Delivery) (mine *Delivery, err error) {
	asked, err := newPull(ctx, p.streams.js, p.plan.stream, name, pullRequest{Batch: 1, Expires: PartitionAsk})
	if err != nil {
		return before, err
	}
	defer asked.close()
	message, _ := asked.next(ctx, true)
	if message == nil {
		return before, nil
	}
	return p.read(message)
}

// deleteLanes deletes consumers of lanes.
func (p *Partition) deleteLanes(ctx context.Context, lanes []*jetstream.ConsumerInfo) error {
	for _, info := range lanes {
		err := p.streams.js.DeleteConsumer(ctx, p.plan.stream, info.Name)
		if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("delete consumer %s of stream %s: %w", info.Name, p.plan.stream, err)
		}
	}
	return nil
}

// removeLanes deletes the consumers of lanes that were taken over and that nobody asks any more. Workers of the version
// before make them anew when they find them gone, which the guard keeps them from; to leave them spares both.
func (p *Partition) removeLanes(ctx context.Context) error {
	present, err := p.lanesPresent(ctx)
	if err != nil {
		return err
	}
	return p.deleteLanes(ctx, slices.DeleteFunc(present, func(info *jetstream.ConsumerInfo) bool { return info.NumWaiting > 0 }))
}
