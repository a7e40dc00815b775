package stream_test

import (
	"bytes"
	"strings"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

func TestAllProcessesHashPeopleWithOneKey(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	server := streamtest.Start(t)
	var out bytes.Buffer
	log, err := service.NewLogger(&out, "info", service.FormatJSON)
	if err != nil {
		t.Fatal(err)
	}
	first, err := stream.Open(ctx, server.Connect(t), streamtest.Configured(), log)
	if err != nil {
		t.Fatal(err)
	}
	second := server.Open(t, func(s *config.Streams) { s.Events.MaxBytes = 64 << 20 })
	reading, err := stream.Attach(ctx, server.Connect(t))
	if err != nil {
		t.Fatal(err)
	}
	key := first.LogKey()
	if len(key) < 20 || !bytes.Equal(second.Client.LogKey(), key) || !bytes.Equal(reading.LogKey(), key) {
		t.Errorf("keys %q, %q, %q", key, second.Client.LogKey(), reading.LogKey())
	}
	log.Info("call", "chat_id", "79001234567@c.us")
	if digest := service.Digest(key, "79001234567@c.us"); !strings.Contains(out.String(), digest) {
		t.Errorf("no %s in\n%s", digest, out.String())
	}
}

func TestStreamsOfAnEarlierVersionGetAKeyForLogs(t *testing.T) {
	t.Parallel()
	ctx := streamtest.Context(t)
	server := streamtest.Start(t)
	streams := server.Open(t)
	opened, err := streams.JetStream().Stream(ctx, stream.Events)
	if err != nil {
		t.Fatal(err)
	}
	config := opened.CachedInfo().Config
	delete(config.Metadata, "sluice.log_key")
	if _, err := streams.JetStream().UpdateStream(ctx, config); err != nil {
		t.Fatal(err)
	}
	if later := server.Open(t); len(later.Client.LogKey()) == 0 || later.Lanes() != streams.Lanes() {
		t.Errorf("key %q, %d lanes", later.Client.LogKey(), later.Lanes())
	}
}
