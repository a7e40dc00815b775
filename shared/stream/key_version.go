package stream

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/internal/wire"
)

// How the keys got another formula, for good and in one moment for each shard:
//
//  1. Whoever manages the streams writes the version into EVENTS, where programs of before do not find their count of lanes
//     any more: they do not start again. Those that run go on.
//  2. The first worker that opens a shard stops the consumer that took it in until then, of which such a worker may still be
//     asking: nobody can start it again, and nobody can make one of its name anew.
//  3. What is stored by then keeps the identity that it would have had. So it does no harm that a worker of before has some of
//     it in hand: whoever publishes its event second finds a duplicate.
//  4. The shard's new consumer begins where the old one ended, and says in its metadata up to where that holds.

// upgradeKeys brings the metadata of EVENTS to the present version of the keys. A later version, of which this program knows
// nothing, stays.
func upgradeKeys(changed, wanted map[string]string) {
	if wanted[wire.MetadataKeys] == "" {
		return
	}
	if lanes := changed[wire.FormerMetadataLanes]; changed[wire.MetadataLanes] == "" && lanes != "" {
		changed[wire.MetadataLanes] = lanes
	}
	delete(changed, wire.FormerMetadataLanes)
	if versionOf(changed) < notification.KeyVersion {
		changed[wire.MetadataKeys] = wanted[wire.MetadataKeys]
	}
}

// versionOf returns the version of the keys that the metadata of EVENTS names; streams that name none have version 1.
func versionOf(metadata map[string]string) int {
	version, err := strconv.Atoi(metadata[wire.MetadataKeys])
	if err != nil {
		return 1
	}
	return version
}

// CheckKeys refuses to make keys of another version than the stream of events has. Where this process manages the streams it
// brings an earlier version up to its own.
func (s *Client) CheckKeys(ctx context.Context) error {
	version, err := s.keyVersion(ctx)
	if err == nil && version < notification.KeyVersion && s.configured.Manage {
		if err = s.prepare(ctx); err == nil {
			version, err = s.keyVersion(ctx)
		}
	}
	switch {
	case err != nil:
		return err
	case version > notification.KeyVersion:
		return fmt.Errorf("the keys of stream %s have version %d and this program makes those of version %d, so that it would make "+
			"second events of what is sent again: update this program", Events, version, notification.KeyVersion)
	case version < notification.KeyVersion:
		return fmt.Errorf("the keys of stream %s have version %d and this program makes those of version %d: "+
			"update the process that manages the streams (streams.manage: true) first", Events, version, notification.KeyVersion)
	default:
		return nil
	}
}

func (s *Client) keyVersion(ctx context.Context) (int, error) {
	opened, err := s.Stream(ctx, Events)
	if err != nil {
		return 0, err
	}
	return versionOf(opened.CachedInfo().Config.Metadata), nil
}

// Former says which notifications were stored before the keys became those of the present version: those of each shard up to
// a sequence.
type Former []uint64

// Has reports whether a notification of a shard is one of them.
func (f Former) Has(shard int, sequence uint64) bool { return shard < len(f) && sequence <= f[shard] }

// Former reads it from the consumers of the intake. All of a shard that no worker has opened since then is former, if one of
// before has.
func (s *Client) Former(ctx context.Context) (Former, error) {
	consumers, err := s.Consumers(ctx, Notifications)
	if err != nil {
		return nil, err
	}
	former := make(Former, s.shards)
	named := func(name string) int {
		return slices.IndexFunc(consumers, func(info *jetstream.ConsumerInfo) bool { return info.Name == name })
	}
	for shard := range former {
		if i := named(wire.IntakeName(shard)); i >= 0 {
			former[shard] = FormerUntil(consumers[i])
		} else if named(wire.FormerIntakeName(shard)) >= 0 {
			former[shard] = math.MaxUint64
		}
	}
	return former, nil
}

// FormerUntil returns up to which sequence the notifications of an intake's consumer are former, 0 for none.
func FormerUntil(info *jetstream.ConsumerInfo) uint64 {
	until, err := strconv.ParseUint(info.Config.Metadata[wire.MetadataFormer], 10, 64)
	if err != nil {
		return 0
	}
	return until
}

// IsRetired reports whether a consumer was stopped for good, since another one has its place.
func IsRetired(info *jetstream.ConsumerInfo) bool { return info.Paused }
