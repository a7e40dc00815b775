package cli

import (
	"context"
	"fmt"

	"github.com/dustin/go-humanize"

	"sluice.internal/shared/stream/admin"
)

// regionsCommand is `sluice regions`: the two halves of taking a region's notifications.
type regionsCommand struct {
	Share shareCommand `cmd:"" help:"At a region: let the centre take its notifications."`
	Take  takeCommand  `cmd:"" help:"At the centre: take a region's notifications."`
}

func (regionsCommand) Help() string {
	return `The NATS of a region is told where the centre is (nats/region.conf), that of the centre which regions there are ` +
		`(sluice secrets make --region).

Example:

    sluice regions share
    sluice regions take north --max-bytes 8GiB`
}

// shareCommand is `sluice regions share`. It may be run again.
type shareCommand struct {
	connectFlags
}

func (shareCommand) Help() string {
	return `Example:

    sluice regions share --nats nats://127.0.0.1:4222`
}

// Run makes the consumer that the centre takes from.
func (c *shareCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		if err := streams.ShareNotifications(ctx); err != nil {
			return err
		}
		return s.out.Line("the centre may take the notifications that are stored here")
	})
}

// takeCommand is `sluice regions take`. It may be run again: what is there stays.
type takeCommand struct {
	Region   string   `arg:"" help:"The region, as sluice secrets make --region has it."`
	MaxBytes byteSize `default:"1GiB" help:"Capacity for what has come from the region and is not in NOTIFICATIONS yet; when it is full, the region keeps the rest."`
	connectFlags
}

func (takeCommand) Help() string {
	return `Notifications come in the order of each region, as soon as it shares them and is reachable. A region whose key ` +
		`was stolen can put in notifications, and change nothing else.

Example:

    sluice regions take north --max-bytes 8GiB`
}

// Run makes NOTIFICATIONS take the region's as well.
func (c *takeCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		if err := streams.TakeFromRegion(ctx, c.Region, int64(c.MaxBytes)); err != nil {
			return err
		}
		return s.out.Line("notifications of region %s are taken", c.Region)
	})
}

// byteSize is a number of bytes, written as 512MiB or 8GiB.
type byteSize int64

// UnmarshalText reads the size.
func (b *byteSize) UnmarshalText(text []byte) error {
	size, err := humanize.ParseBytes(string(text))
	if err != nil || size == 0 || size > 1<<62 {
		return fmt.Errorf("size %q: write a number of bytes, such as 512MiB or 8GiB", text)
	}
	*b = byteSize(size)
	return nil
}
