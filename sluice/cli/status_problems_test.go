package cli_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// complains runs a status that complains of one thing alone.
func complains(t *testing.T, server string, says string, args ...string) {
	t.Helper()
	got := run(t, append([]string{"status", "--interval=0", "--nats", server}, args...)...)
	if got.code != 1 || !regexp.MustCompile("^sluice: "+says+"\n$").MatchString(got.stderr) {
		t.Errorf("exit code %d, standard error %q, want %q", got.code, got.stderr, says)
	}
}

// blocked is a group with two events whose worker does not get done with the first.
func blocked(t *testing.T, streams *streamtest.Streams) {
	t.Helper()
	group, err := streams.Group(testContext(t), consume.GroupSettings{Name: "billing"})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, streams, sampleEvent(streams, 1), sampleEvent(streams, 2))
	busy, release := make(chan struct{}), make(chan struct{})
	lane := sampleEvent(streams, 1).Lane
	stop := streamtest.Serve(group.Partitions[lane%len(group.Partitions)], func(delivery *consume.Delivery) {
		if delivery.Sequence == 1 {
			close(busy)
			<-release
		}
		_ = delivery.Done()
	})
	t.Cleanup(stop)
	t.Cleanup(func() { close(release) })
	<-busy
}

func TestHealthySystemNeedsNobody(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Lanes(2))
	handled := make(chan struct{}, 10)
	working(t, server, func(notification.Event) error {
		handled <- struct{}{}
		return nil
	})
	if err := notify(t, streams, 1, aCall(1, "B")); err != nil {
		t.Fatal(err)
	}
	<-handled
	event := sampleEvent(streams, 5)
	event.Sequence = 77
	if err := streams.Park(testContext(t), "billing", &event, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	got := run(t, "status", "--json", "--interval=100ms", "--nats", server.URL())
	if got.code != 0 || got.stderr != "" || !strings.Contains(got.stdout, `"complaints":[]}`) {
		t.Errorf("got %+v", got)
	}
	group := kinds(t, got.stdout)["group billing"]
	if group["parked"] != 1.0 || group["in_per_second"] == nil || group["out_per_second"] == nil {
		t.Errorf("group %v", group)
	}
}

func TestNewDeadLettersNeedSomebody(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	bury(t, streams)
	complains(t, server.URL(), "2 dead letters since .*: see why with `sluice dead --since .*Z`, then .*")
	later := time.Now().Add(time.Hour).Format(time.RFC3339)
	if got := run(t, "status", "--interval=0", "--nats", server.URL(), "--since", later); got.code != 0 || got.stderr != "" {
		t.Errorf("the dead letters are older than what is asked for: %+v", got)
	}
}

func TestEventThatWaitsLongNeedsSomebody(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Lanes(1))
	blocked(t, streams)
	complains(t, server.URL(), `the oldest event for group "billing" waits for \S+: see which .*`, "--late=1ns")
	if got := run(t, "status", "--interval=0", "--nats", server.URL()); got.code != 0 || got.stderr != "" {
		t.Errorf("it does not wait for ten minutes yet: %+v", got)
	}
}

func TestNotificationThatWaitsLongNeedsSomebody(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Shards(1))
	intake, err := streams.Intake(testContext(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := notify(t, streams, 1, "{}"); err != nil {
		t.Fatal(err)
	}
	taken := make(chan struct{}, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if _, err := intake.Next(t.Context()); err != nil {
				return // The test is over.
			}
			select {
			case taken <- struct{}{}: // And never acknowledged.
			case <-t.Context().Done():
			}
		}
	}()
	t.Cleanup(func() { <-ended })
	<-taken
	complains(t, server.URL(), `the oldest notification waits for \S+ to be taken in: .*`, "--late=1ns")
	if got := run(t, "status", "--interval=0", "--nats", server.URL()); got.code != 0 || got.stderr != "" {
		t.Errorf("it does not wait for ten minutes yet: %+v", got)
	}
}

func TestGroupThatHoldsEventsBackIsNamed(t *testing.T) {
	t.Parallel()
	const says = `group "old" has no worker, and there are \d+ events for it: .*, or remove it with ` +
		"`sluice groups rm old`: for its sake no event since .* is taken out of stream EVENTS"
	for name, configured := range map[string]config.Streams{
		"the events are old": streamtest.Configured(func(s *config.Streams) { s.Events.DuplicateWindow = 100 * time.Millisecond }),
		"capacity is scarce": streamtest.Configured(func(s *config.Streams) { s.Events.MaxBytes = 16 << 10 }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := streamtest.Start(t)
			streams := server.Open(t, func(s *config.Streams) { *s = configured })
			if _, err := streams.Group(testContext(t), consume.GroupSettings{Name: "old"}); err != nil {
				t.Fatal(err)
			}
			publish(t, streams, sampleEvent(streams, 1))
			for id := 2; configured.Events.MaxBytes > 0; id++ {
				if _, err := streams.PublishEvents(testContext(t), []notification.Event{sampleEvent(streams, id)}); err != nil {
					says := says + "\nsluice: stream EVENTS has used \\d+ % of its capacity and takes nothing more when it is full: .*"
					complains(t, server.URL(), says)
					return
				}
			}
			complains(t, server.URL(), says)
		})
	}
}

func TestGroupThatLacksConsumersNeedsSomebody(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Lanes(2))
	if _, err := streams.Group(testContext(t), consume.GroupSettings{Name: "half"}); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "status", "--interval=0", "--nats", server.URL()); got.code != 0 {
		t.Errorf("all is there: %+v", got)
	}
	if err := streams.JetStream().DeleteConsumer(testContext(t), stream.Events, "half-p1"); err != nil {
		t.Fatal(err)
	}
	complains(t, server.URL(), `group "half" lacks consumers, .*`+"`sluice groups rm half`")
}

func TestRetriesThatAreNearlyFullNeedSomebody(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, func(s *config.Streams) {
		s.Retries.MaxBytes = 10 << 10
		s.DeadLetters.MaxBytes = 64 << 10
	})
	event := sampleEvent(streams, 1)
	event.Body = []byte(strings.Repeat("x", 9<<10))
	if err := streams.Park(testContext(t), "billing", &event, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	complains(t, server.URL(), `stream RETRIES has used \d\d % of its capacity and takes nothing more when it is full, so that lanes wait: `+
		`.*streams\.retries\.max_bytes`)
}

func TestDeadLettersThatAreNearlyFullNeedSomebody(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, func(s *config.Streams) { s.DeadLetters.MaxBytes = 10 << 10 })
	letter := notification.DeadLetter{Event: sampleEvent(streams, 1), Reason: notification.ReasonInvalid}
	letter.Body = []byte(strings.Repeat("x", 9<<10))
	if err := streams.PublishDeadLetter(testContext(t), &letter); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour).Format(time.RFC3339)
	complains(t, server.URL(), `stream DEAD_LETTERS has used \d\d % of its capacity and drops its oldest when it is full: .*`, "--since", later)
}

func TestServerThatIsGoneFromAClusterNeedsSomebody(t *testing.T) {
	t.Parallel()
	cluster := streamtest.StartCluster(t)
	streams := cluster.Open(t, streamtest.Shards(1), streamtest.Lanes(1))
	cluster.StopLeader(t, stream.Events)
	awaitLeaders(t, streams)
	says := regexp.MustCompile(`(?m)^sluice: trouble with NOTIFICATIONS, EVENTS, .*: the replica on "test-\d" is offline: .*$`)
	for ctx := testContext(t); ; {
		got := run(t, "status", "--interval=0", "--nats", cluster.URL())
		if got.code == 1 && says.MatchString(got.stderr) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("got %+v", got)
		}
	}
}

// awaitLeaders waits until every stream has a leader again: a request to one without is never answered.
func awaitLeaders(t *testing.T, streams *streamtest.Streams) {
	t.Helper()
	ctx := testContext(t)
	for answered := false; !answered; {
		status, err := streams.Inspect(ctx)
		if err != nil {
			t.Fatal(err)
		}
		answered = !slices.ContainsFunc(status.Streams, func(usage admin.Usage) bool { return usage.Silent })
	}
}
