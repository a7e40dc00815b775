package consume

import (
	"context"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// resume begins again behind what is acknowledged, because something that was delivered has not come: a worker that
// froze, for example, missed the end of its request, and what the server sent until then. Without that it would come
// later, behind what is newer. All that is not acknowledged comes again.
func (in *Intake) restart(ctx context.Context) error {
	in.streams.log.Debug("notifications were missed, beginning again", "shard", in.shard)
	if err := in.finish(ctx); err != nil || in.pin == "" {
		return err
	}
	return in.reset(ctx)
}

// claim waits until this worker is chosen, which it learns from the first message, and begins where the worker
// before ended. What that one held unacknowledged would come only after the newer ones and out of order; after
// the reset it comes first. The message that told comes again as well.
func (in *Intake) claimShard(ctx context.Context) error {
	message, _ := in.fetch.next(ctx, true)
	if err := in.finish(ctx); err != nil {
		return err
	}
	if message == nil {
		return in.redeliverPending(ctx)
	}
	in.noteUnfinished(ctx, message)
	if err := in.reset(ctx); err != nil {
		return err
	}
	in.pin = message.Header.Get(pinHeader)
	in.streams.log.Debug("shard taken over", "shard", in.shard)
	return nil
}

// again hands out again what was delivered and is not acknowledged, when nothing comes: what a worker that is gone
// left, and what this one missed, since all that it was given is acknowledged by now. In a shard where nothing new
// arrives nobody would be chosen, and so nobody begin, before the time for acknowledging is over. A shard that another
// worker has is left to that one.
func (in *Intake) redeliverPending(ctx context.Context) error {
	info, err := stream.UntilDisconnect(ctx, in.streams.core, in.consumer.Info)
	if err != nil {
		return fmt.Errorf("look at shard %d: %w", in.shard, err)
	}
	taken := in.pin == "" && slices.ContainsFunc(info.PriorityGroups, func(group jetstream.PriorityGroupState) bool {
		return group.PinnedClientID != ""
	})
	if taken || info.NumAckPending == 0 {
		return nil
	}
	if in.pin == "" { // Else it is its own.
		in.noteUnfinished(ctx, nil)
	}
	return in.reset(ctx)
}

// reset makes the consumer begin again behind what is acknowledged without a gap.
func (in *Intake) reset(ctx context.Context) error {
	_, err := stream.UntilDisconnect(ctx, in.streams.core, func(ctx context.Context) (*jetstream.ConsumerResetResponse, error) {
		return in.streams.js.ResetConsumer(ctx, stream.Notifications, wire.IntakeName(in.shard))
	})
	if err != nil {
		return fmt.Errorf("take over shard %d: %w", in.shard, err)
	}
	in.deliverySeq, in.latest = 0, 0
	return nil
}

// Close gives the shard up, so that another worker gets it at once instead of after a while.
func (in *Intake) Close(ctx context.Context) error {
	if in.fetch != nil {
		in.fetch.close()
		in.fetch = nil
	}
	if in.pin == "" {
		return nil
	}
	in.pin = ""
	if err := in.reset(ctx); err != nil {
		return err
	}
	// Whoever is pinned is unpinned, which at worst is another worker that has taken over meanwhile; it or
	// a third one is chosen again with its next request.
	opened, err := in.streams.core.Stream(ctx, stream.Notifications)
	if err == nil {
		err = opened.UnpinConsumer(ctx, wire.IntakeName(in.shard), wire.IntakeGroup)
	}
	if err != nil {
		return fmt.Errorf("give up shard %d: %w", in.shard, err)
	}
	return nil
}
