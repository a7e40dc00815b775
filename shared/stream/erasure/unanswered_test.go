package erasure_test

import (
	"log/slog"
	"testing"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/erasure"
	"sluice.internal/shared/streamtest"
)

// Whoever erases a person waits for an answer that does not come no longer than the choice of a leader takes.
func TestErasureGoesOnAlthoughARequestGoesUnanswered(t *testing.T) {
	t.Parallel()
	for _, lostRequest := range []string{
		"$JS.API.STREAM.INFO." + stream.Events,
		"$JS.API.STREAM.MSG.DELETE." + stream.Notifications,
	} {
		t.Run(lostRequest, func(t *testing.T) {
			t.Parallel()
			server := streamtest.Start(t)
			h := &house{server.Open(t, streamtest.Shards(2), streamtest.Lanes(4)), t, streamtest.Context(t), 0}
			h.send(call(ours, anna, "1"))
			address, lose, lost := streamtest.LossyLine(t, server.URL())
			conn, err := stream.Connect(streamtest.At(t, address), t.Name(), slog.New(slog.DiscardHandler))
			streamtest.Must(t, err)
			t.Cleanup(conn.Close)
			operator, err := admin.Attach(h.ctx, conn)
			streamtest.Must(t, err)
			eraser := erasure.New(operator, func(n *notification.Notification) []notification.Identity {
				identity, _ := interpret(n)
				return []notification.Identity{identity}
			})
			lose(lostRequest)
			look, err := eraser.Look(h.ctx, erasure.Target{Chats: []string{anna}}, nil)
			streamtest.Must(t, err)
			_, err = eraser.Erase(h.ctx, look, "me", nil)
			streamtest.Must(t, err)
			if left := h.named(anna); len(left) > 0 {
				t.Errorf("left of her: %v", left)
			}
			if !lost() {
				t.Error("every request was answered, so the test shows nothing")
			}
		})
	}
}
