package keys_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/stream/retention"
	"sluice.internal/shared/streamtest"
)

// waiting is a log that ends the context when somebody waits for a stream that is not there.
type waiting struct{ end context.CancelFunc }

func (w waiting) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "waiting for a stream") {
		w.end()
	}
	return len(line), nil
}

// made returns the configurations of all streams as the server has them, or why they could not be made.
func made(t *testing.T, cfg *config.Config) string {
	t.Helper()
	conn := streamtest.Start(t).Connect(t)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	if _, err := stream.Open(ctx, conn, cfg.Streams, slog.New(slog.NewTextHandler(waiting{end}, nil))); err != nil {
		return err.Error()
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	list := js.ListStreams(ctx)
	for info := range list.Info() {
		text, err := json.Marshal(info.Config)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	if list.Err() != nil {
		t.Fatal(list.Err())
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// handle has a group handle so many events of the one lane.
func handle(ctx context.Context, t *testing.T, streams *streamtest.Streams, count int64) {
	t.Helper()
	group, err := streams.Group(ctx, consume.GroupSettings{Name: "default"})
	if err != nil {
		t.Fatal(err)
	}
	var handled atomic.Int64
	stop := streamtest.Serve(group.Partitions[0], func(d *consume.Delivery) {
		if err := d.Done(); err == nil {
			handled.Add(1)
		}
	})
	defer stop()
	streamtest.Eventually(ctx, t, "events to be handled", func() bool { return handled.Load() == count })
}

// trimmed returns how much is left of what was processed longer ago than the shortest time that can be configured.
func trimmed(t *testing.T, cfg *config.Config) string {
	t.Helper()
	streams, ctx := streamtest.Start(t).Open(t, func(s *config.Streams) { *s = cfg.Streams }), streamtest.Context(t)
	const count = 3
	streamtest.Publish(ctx, t, streams, 0, count)
	streamtest.TakeIn(ctx, t, streams, count)
	streamtest.PublishEvents(ctx, t, streams, 0, count)
	stored := time.Now()
	handle(ctx, t, streams, count)
	streamtest.Eventually(ctx, t, "time to pass", func() bool { return time.Since(stored) > 1100*time.Millisecond })
	cut, err := retention.Trim(ctx, streams.Client, cfg.Streams)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d notifications and %d events are gone", cut.Notifications.Messages, cut.Events.Messages)
}

func streamEffects() map[string]effect {
	const short = "streams: {lanes: 1, notifications: {keep: %s}, events: {duplicate_window: 1s, keep: %s}}\n"
	all := map[string]effect{
		"streams.notifications.keep": differs(trimmed, fmt.Sprintf(short, "24h", "168h"), fmt.Sprintf(short, "1s", "168h")),
		"streams.events.keep":        differs(trimmed, fmt.Sprintf(short, "24h", "168h"), fmt.Sprintf(short, "24h", "1s")),
	}
	for key, change := range map[string]struct{ from, to string }{
		"shards":                  {"shards: 2", "shards: 3"},
		"lanes":                   {"lanes: 2", "lanes: 3"},
		"replicas":                {"replicas: 1", "replicas: 3"}, // One server can't keep three.
		"manage":                  {"manage: true", "manage: false"},
		"notifications.max_bytes": {"notifications: {max_bytes: 64MiB}", "notifications: {max_bytes: 65MiB}"},
		"events.max_bytes":        {"events: {max_bytes: 64MiB}", "events: {max_bytes: 65MiB}"},
		"events.duplicate_window": {"events: {duplicate_window: 1h}", "events: {duplicate_window: 2h}"},
		"notifications.max_age":   {"notifications: {max_age: 48h}", "notifications: {max_age: 0}"},
		"events.max_age":          {"events: {max_age: 240h}", "events: {max_age: 0}"},
		"retries.max_bytes":       {"retries: {max_bytes: 64MiB}", "retries: {max_bytes: 65MiB}"},
		"dead_letters.max_bytes":  {"dead_letters: {max_bytes: 64MiB}", "dead_letters: {max_bytes: 65MiB}"},
		"dead_letters.keep":       {"dead_letters: {keep: 1h}", "dead_letters: {keep: 2h}"},
		"rejections.max_bytes":    {"rejections: {max_bytes: 64MiB}", "rejections: {max_bytes: 65MiB}"},
		"rejections.keep":         {"rejections: {keep: 1h}", "rejections: {keep: 2h}"},
		"alerts.max_bytes":        {"alerts: {max_bytes: 64MiB}", "alerts: {max_bytes: 65MiB}"},
		"alerts.keep":             {"alerts: {keep: 1h}", "alerts: {keep: 2h}"},
		"alerts.group_window":     {"alerts: {group_window: 1m}", "alerts: {group_window: 2m}"},
	} {
		all["streams."+key] = differs(made, "streams: {"+change.from+"}\n", "streams: {"+change.to+"}\n")
	}
	return all
}
