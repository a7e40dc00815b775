package stream_test

import (
	"slices"
	"testing"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

// replicasOf is on how many servers each stream is kept.
func replicasOf(t *testing.T, streams *stream.Streams) map[string]int {
	t.Helper()
	replicas := map[string]int{}
	for _, name := range []string{stream.Notifications, stream.Events, stream.DeadLetters, stream.Rejections, stream.Alerts} {
		opened, err := streams.JetStream().Stream(testContext(t), name)
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
	before := cluster.Open(t, stream.Settings{Replicas: 1})
	for id := range 10 {
		n := sample(id)
		if _, err := before.PublishNotification(testContext(t), &n); err != nil {
			t.Fatal(err)
		}
	}
	after := cluster.Open(t, stream.Settings{Replicas: 3})
	replicas := replicasOf(t, after)
	for _, name := range []string{stream.Notifications, stream.Events, stream.DeadLetters} {
		if replicas[name] != 3 {
			t.Errorf("%s is kept on %d servers", name, replicas[name])
		}
	}
	var kept []string
	for n, err := range after.Notifications(testContext(t), stream.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, n.RequestID)
	}
	if len(kept) != 10 || kept[0] != "request-0" || !slices.Contains(kept, "request-9") {
		t.Errorf("kept %v", kept)
	}
	n := sample(10)
	if receipt, err := after.PublishNotification(testContext(t), &n); err != nil || receipt != 11 {
		t.Errorf("receipt %d, error %v", receipt, err)
	}
}

func TestUnmanagedStreamsAreAwaitedAndLeftAsTheyAre(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	opened := make(chan *stream.Streams)
	go func() { opened <- server.Open(t, stream.Settings{Unmanaged: true, Replicas: 3}) }()
	managed := server.Open(t, stream.Settings{Lanes: 8})
	unmanaged := <-opened
	if unmanaged.Lanes() != 8 {
		t.Errorf("%d lanes", unmanaged.Lanes())
	}
	if replicas := replicasOf(t, managed); replicas[stream.Notifications] != 1 {
		t.Errorf("replicas %v", replicas)
	}
	if err := managed.JetStream().DeleteStream(testContext(t), stream.Probes); err != nil {
		t.Fatal(err)
	}
	if err := unmanaged.Restore(testContext(t)); err != nil {
		t.Error(err)
	}
	if _, err := managed.JetStream().Stream(testContext(t), stream.Probes); err == nil {
		t.Error("the stream was made by one that may not")
	}
}
