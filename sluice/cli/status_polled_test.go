package cli_test

import (
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

func TestStatusShowsPolledInstancesAndWhatIsWrongWithThem(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	waiting, now := 7, time.Now().UTC()
	for _, state := range []stream.PollState{
		{Source: "green-api", Instance: "1101000001", State: stream.PollReceiving, Since: now, AnsweredAt: now, Waiting: &waiting},
		{Source: "green-api", Instance: "1101000002", State: stream.PollRefused, Error: "status 401", Since: now, Pause: time.Minute},
		{Source: "green-api", Instance: "1101000003", State: stream.PollUnavailable, Error: "no answer in time", Since: now},
	} {
		streamtest.Must(t, streams.PublishPollState(testContext(t), state))
	}
	got := run(t, "status", "--nats", server.URL(), "--interval=0")
	if got.code != 1 || !strings.Contains(got.stdout, "POLLED      SOURCE     STATE") || !strings.Contains(got.stdout, "1101000001  green-api  receiving") {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(got.stderr, "1101000002 (refused): status 401: see whether token_file and api_url") || strings.Contains(got.stderr, "1101000003") {
		t.Errorf("said %s", got.stderr)
	}
	objects := kinds(t, run(t, "status", "--nats", server.URL(), "--interval=0", "--json").stdout)
	if objects["polled"]["polled"] != true {
		t.Errorf("objects %v", objects)
	}
}
