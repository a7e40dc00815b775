package stream_test

import (
	"log/slog"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

// replicasOf is on how many servers each stream is kept.
func replicasOf(t *testing.T, streams *streamtest.Streams) map[string]int {
	t.Helper()
	replicas := map[string]int{}
	for _, name := range []string{stream.Notifications, stream.Events, stream.DeadLetters, stream.Rejections, stream.Alerts} {
		opened, err := streams.JetStream().Stream(streamtest.Context(t), name)
		if err != nil {
			t.Fatal(err)
		}
		replicas[name] = opened.CachedInfo().Config.Replicas
	}
	return replicas
}

func TestMoreReplicasAreOneChangeOfTheConfigurationAndLoseNothing(t *testing.T) {
	t.Parallel()
	cluster := streamtest.StartCluster(t)
	before := cluster.Open(t, func(s *config.Streams) { s.Replicas = 1 })
	for id := range 10 {
		n := streamtest.Notification(id)
		if _, err := before.PublishNotification(streamtest.Context(t), &n); err != nil {
			t.Fatal(err)
		}
	}
	after := cluster.Open(t, func(s *config.Streams) { s.Replicas = 3 })
	replicas := replicasOf(t, after)
	for _, name := range []string{stream.Notifications, stream.Events, stream.DeadLetters} {
		if replicas[name] != 3 {
			t.Errorf("%s is kept on %d servers", name, replicas[name])
		}
	}
	ctx := streamtest.Context(t)
	// The listing is whole at once, also where it begins on a replica that has not caught up.
	kept := streamtest.Collect(t, after.Notifications(ctx, admin.Query{}))
	if len(kept) != 10 {
		t.Fatalf("%d notifications are left of 10", len(kept))
	}
	if kept[0].RequestID != "request-0" || kept[9].RequestID != "request-9" {
		t.Errorf("kept %s to %s", kept[0].RequestID, kept[9].RequestID)
	}
	n := streamtest.Notification(10)
	if receipt, err := after.PublishNotification(streamtest.Context(t), &n); err != nil || receipt != 11 {
		t.Errorf("receipt %d, error %v", receipt, err)
	}
}

func TestUnmanagedStreamsAreAwaitedAndLeftAsTheyAre(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	opened := make(chan *streamtest.Streams)
	go func() { opened <- server.Open(t, streamtest.Unmanaged, func(s *config.Streams) { s.Replicas = 3 }) }()
	managed := server.Open(t, streamtest.Lanes(8))
	unmanaged := <-opened
	if unmanaged.Lanes() != 8 {
		t.Errorf("%d lanes", unmanaged.Lanes())
	}
	if replicas := replicasOf(t, managed); replicas[stream.Notifications] != 1 {
		t.Errorf("replicas %v", replicas)
	}
	if err := managed.JetStream().DeleteStream(streamtest.Context(t), stream.Probes); err != nil {
		t.Fatal(err)
	}
	if err := unmanaged.Restore(streamtest.Context(t)); err != nil {
		t.Error(err)
	}
	if _, err := managed.JetStream().Stream(streamtest.Context(t), stream.Probes); err == nil {
		t.Error("the stream was made by one that may not")
	}
}

// Whoever may ask for a stream may list its subjects, and those of events name instances.
func TestPublisherWaitsForNotificationsAlone(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	managed := server.Open(t, streamtest.Shards(3))
	for _, name := range []string{stream.Events, stream.Retries, stream.DeadLetters} {
		if err := managed.JetStream().DeleteStream(streamtest.Context(t), name); err != nil {
			t.Fatal(err)
		}
	}
	opened, err := stream.OpenToPublish(streamtest.Context(t), server.Connect(t), streamtest.Configured(streamtest.Unmanaged), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	publisher := streamtest.All(opened)
	if publisher.Shards() != 3 || publisher.Lanes() != 0 {
		t.Errorf("%d shards, %d lanes", publisher.Shards(), publisher.Lanes())
	}
	n := streamtest.Notification(1)
	if _, err := publisher.PublishNotification(streamtest.Context(t), &n); err != nil {
		t.Error(err)
	}
}
