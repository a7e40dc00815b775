package cli_test

import (
	"strings"
	"testing"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

func TestRegionSharesItsNotifications(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	for range 2 {
		run(t, "regions", "share", "--nats", server.URL()).want(t, result{
			stdout: "the centre may take the notifications that are stored here\n",
		})
	}
	if _, err := streams.JetStream().PushConsumer(testContext(t), stream.Notifications, "CENTRE"); err != nil {
		t.Error(err)
	}
}

func TestRegionThatTheCentreDoesNotKnowIsNamed(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	server.Open(t)
	got := run(t, "regions", "take", "north", "--nats", server.URL())
	if got.code != 1 || !strings.Contains(got.stderr, `region "north"`) || !strings.Contains(got.stderr, "sluice secrets make --region") {
		t.Errorf("got %+v", got)
	}
	for _, wrong := range [][]string{{"no.name"}, {"north", "--max-bytes", "many"}} {
		if got := run(t, append([]string{"regions", "take", "--nats", server.URL()}, wrong...)...); got.code == 0 {
			t.Errorf("%v: got %+v", wrong, got)
		}
	}
}
