package broker

import (
	"context"
	"log/slog"
	"testing"
)

func TestBrokerSyncsBeforeItAcknowledges(t *testing.T) {
	t.Parallel()
	running, err := New(Settings{Listen: "127.0.0.1:0", Dir: t.TempDir(), User: "me", Password: "secret", BodyLimit: 1 << 20}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if config := running.server.JetStreamConfig(); !config.SyncAlways {
		t.Error("acknowledges before the disk has it")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := running.Run(ctx); err != nil {
		t.Error(err)
	}
}
