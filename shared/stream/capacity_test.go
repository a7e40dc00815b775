package stream_test

import (
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// What the first of the two large streams took would else be missing from the second, which keeps events for longer.
func TestLargeStreamsShareASmallDisk(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		notifications, events config.Size
	}{
		"neither has a size":             {},
		"only the second has a size":     {events: 2 * config.GiB},
		"only the first has a size":      {notifications: 2 * config.GiB},
		"both have a size that is small": {notifications: config.GiB, events: config.GiB},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const disk = 6 << 30
			server := streamtest.Start(t, func(o *streamtest.Options) { o.MaxStore = disk })
			streams := server.Open(t, func(c *config.Streams) {
				c.Notifications.MaxBytes, c.Events.MaxBytes = test.notifications, test.events
			})
			sizes := map[string]int64{}
			for _, large := range []string{stream.Notifications, stream.Events} {
				opened, err := streams.JetStream().Stream(streamtest.Context(t), large)
				streamtest.Must(t, err)
				sizes[large] = opened.CachedInfo().Config.MaxBytes
			}
			for large, wanted := range map[string]config.Size{stream.Notifications: test.notifications, stream.Events: test.events} {
				if wanted != 0 && sizes[large] != int64(wanted) {
					t.Errorf("%s has %d bytes, is configured to have %d", large, sizes[large], wanted)
				}
				if sizes[large] < disk/6 {
					t.Errorf("%s has %d bytes of a disk of %d", large, sizes[large], disk)
				}
			}
		})
	}
}
