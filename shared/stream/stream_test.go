package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func sample(id int) notification.Notification {
	return notification.Notification{
		Source: "green-api", Provider: "green-api", Type: "incomingCall", Instance: "1101000001",
		ReceivedAt: time.Date(2026, 11, 23, 7, 0, 0, id+1, time.UTC), ContentType: "application/json",
		RemoteAddress: "192.0.2.1", RequestID: fmt.Sprintf("request-%d", id),
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		Body:        []byte{0, 255, '\n', byte(id)},
	}
}

func sampleEvent(streams *stream.Streams, id int) notification.Event {
	n := sample(id)
	n.Sequence = uint64(id + 1)
	return streams.Accept(&n, notification.Identity{
		Type: n.Type, Instance: n.Instance, OrderKey: fmt.Sprint(id % 3), Key: fmt.Sprintf("key-%d", id),
		SentAt: time.Unix(1700000000, 0).UTC(),
	})
}

func TestNotificationComesOutAsItWentIn(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	want := sample(7)
	receipt, err := streams.PublishNotification(ctx, &want)
	if err != nil || receipt != 1 {
		t.Fatalf("receipt %d, error %v", receipt, err)
	}
	got := takeIn(ctx, t, streams, 1)[0]
	want.Sequence = 1
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// takeIn reads and acknowledges that many notifications from all shards.
func takeIn(ctx context.Context, t *testing.T, streams *stream.Streams, count int) []notification.Notification {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		group sync.WaitGroup
		mutex sync.Mutex
		all   []notification.Notification
		seen  = map[uint64]bool{}
	)
	for shard := range streams.Shards() {
		group.Go(func() {
			for ctx.Err() == nil { // A worker opens it again too.
				intake, err := streams.Intake(ctx, shard)
				var batch []stream.Received
				for err == nil {
					batch, err = intake.Next(ctx)
					mutex.Lock()
					for i := range batch {
						if seen[batch[i].Sequence] || batch[i].Ack() != nil {
							continue // It comes again.
						}
						seen[batch[i].Sequence] = true
						if all = append(all, batch[i].Notification); len(all) >= count {
							cancel()
						}
					}
					mutex.Unlock()
				}
			}
		})
	}
	group.Wait()
	if len(all) != count {
		t.Fatalf("took in %d notifications, want %d", len(all), count)
	}
	return all
}

func TestRetriedPublishIsStoredOnce(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	n := sample(1)
	first, err := streams.PublishNotification(ctx, &n)
	if err != nil {
		t.Fatal(err)
	}
	second, err := streams.PublishNotification(ctx, &n)
	if err != nil || second != first {
		t.Errorf("receipts %d and %d, error %v: want the same receipt", first, second, err)
	}
}

func TestFullStreamSaysSo(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	streams := streamtest.Start(t).Open(t, stream.Settings{Notifications: stream.Bounds{MaxBytes: 4 << 10}})
	for id := range 100 {
		n := sample(id)
		if _, err := streams.PublishNotification(ctx, &n); err != nil {
			if !errors.Is(err, stream.ErrFull) {
				t.Fatalf("error %v, want ErrFull", err)
			}
			return
		}
	}
	t.Error("4 KiB held 100 notifications")
}

func TestUnansweredPublishIsUnavailableAtTheDeadline(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, stream.Settings{})
	server.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	n := sample(1)
	if _, err := streams.PublishNotification(ctx, &n); !errors.Is(err, stream.ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
	server.Resume(t)
	ctx = testContext(t)
	after := sample(2)
	receipt, err := streams.PublishNotification(ctx, &after)
	if err != nil || receipt != 1 {
		t.Errorf("receipt %d, error %v: want 1, since what was given up must not be stored later", receipt, err)
	}
}

func TestSameKeyIsOneEventInAnyBatch(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	var first, second []notification.Event
	for id := range 200 {
		first = append(first, sampleEvent(streams, id))
	}
	first = append(first, sampleEvent(streams, 5)) // twice in one batch
	stored, err := streams.PublishEvents(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	checkStored(t, stored, 201, 1)
	for i, outcome := range stored[:200] {
		if outcome.Sequence != uint64(i+1) {
			t.Fatalf("event %d has sequence %d", i, outcome.Sequence)
		}
	}
	for id := 100; id < 300; id++ { // half of it again
		second = append(second, sampleEvent(streams, id))
	}
	if stored, err = streams.PublishEvents(ctx, second); err != nil {
		t.Fatal(err)
	}
	checkStored(t, stored, 200, 100)
	var keys []string
	for event, err := range streams.Events(ctx, stream.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, event.Key)
	}
	for id := range 300 {
		if keys[id] != fmt.Sprintf("key-%d", id) {
			t.Fatalf("event %d has key %s: out of order", id, keys[id])
		}
	}
	if len(keys) != 300 {
		t.Errorf("%d events, want 300", len(keys))
	}
}

func checkStored(t *testing.T, stored []stream.Stored, total, duplicates int) {
	t.Helper()
	found := 0
	for _, outcome := range stored {
		if outcome.Duplicate {
			found++
		}
	}
	if len(stored) != total || found != duplicates {
		t.Fatalf("%d outcomes with %d duplicates, want %d with %d", len(stored), found, total, duplicates)
	}
}

func TestDuplicatesAreKnownAfterARestart(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams, ctx := server.Open(t, stream.Settings{}), testContext(t)
	events := []notification.Event{sampleEvent(streams, 1), sampleEvent(streams, 2)}
	if _, err := streams.PublishEvents(ctx, events); err != nil {
		t.Fatal(err)
	}
	server.Restart(t)
	stored, err := streams.PublishEvents(ctx, append(events, sampleEvent(streams, 3)))
	if err != nil {
		t.Fatal(err)
	}
	checkStored(t, stored, 3, 2)
}

func TestCountsThatDisagreeAreAnError(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	server.Open(t, stream.Settings{Shards: 2, Lanes: 8})
	if streams := server.Open(t, stream.Settings{}); streams.Shards() != 2 || streams.Lanes() != 8 {
		t.Errorf("without settings: %d shards and %d lanes, want what was created", streams.Shards(), streams.Lanes())
	}
	for name, settings := range map[string]stream.Settings{"shards": {Shards: 4}, "lanes": {Lanes: 64}} {
		_, err := stream.Open(testContext(t), server.Connect(t), settings, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestChangedSettingsChangeTheStreams(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	server.Open(t, stream.Settings{})
	streams := server.Open(t, stream.Settings{Events: stream.Bounds{MaxBytes: 100 << 20}})
	status, err := streams.Status(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	index := slices.IndexFunc(status.Streams, func(u stream.Usage) bool { return u.Name == stream.Events })
	if got := status.Streams[index].MaxBytes; got != 100<<20 {
		t.Errorf("EVENTS may hold %d bytes, want %d", got, 100<<20)
	}
}

func TestOneIntakeOfAShardIsActiveAndTheNextBeginsWhereItEnded(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams, ctx := server.Open(t, stream.Settings{Shards: 1}), testContext(t)
	publish(ctx, t, streams, 0, 10)
	active, err := streams.Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := nextN(ctx, t, active, 10)
	for i := range 5 { // The first half is done, the second is not.
		if err := got[i].Ack(); err != nil {
			t.Fatal(err)
		}
	}
	waiting, err := server.Open(t, stream.Settings{}).Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	publish(ctx, t, streams, 10, 5)
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if batch, err := waiting.Next(short); err == nil {
		t.Fatalf("a second intake got %d notifications while the first is active", len(batch))
	}
	// The notifications 11 to 15 are on their way to the first intake, and come to the second none the less.
	if err := active.Close(ctx); err != nil {
		t.Fatal(err)
	}
	for i, received := range nextN(ctx, t, waiting, 10) {
		if received.Sequence != uint64(6+i) {
			t.Errorf("place %d has notification %d, want %d", i, received.Sequence, 6+i)
		}
	}
	if err := waiting.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestShardOfAWorkerThatIsGoneIsTakenOverWithoutNewNotifications(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams, ctx := server.Open(t, stream.Settings{Shards: 1}), testContext(t)
	publish(ctx, t, streams, 0, 3)
	conn := server.Connect(t)
	gone, err := stream.Open(ctx, conn, stream.Settings{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	first, err := gone.Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	nextN(ctx, t, first, 3)
	conn.Close()
	second, err := streams.Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, received := range nextN(ctx, t, second, 3) {
		if received.Sequence != uint64(i+1) {
			t.Errorf("place %d has notification %d", i, received.Sequence)
		}
	}
}

func publish(ctx context.Context, t *testing.T, streams *stream.Streams, from, count int) {
	t.Helper()
	for id := from; id < from+count; id++ {
		n := sample(id)
		if _, err := streams.PublishNotification(ctx, &n); err != nil {
			t.Fatal(err)
		}
	}
}

func nextN(ctx context.Context, t *testing.T, intake *stream.Intake, count int) []stream.Received {
	t.Helper()
	var all []stream.Received
	for len(all) < count {
		batch, err := intake.Next(ctx)
		if err != nil {
			t.Fatalf("after %d notifications: %v", len(all), err)
		}
		all = append(all, batch...)
	}
	return all
}

func TestLaneIsSerialAndRetriesStayInIt(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{Lanes: 1}), testContext(t)
	group, err := streams.Group(ctx, stream.GroupSettings{Name: "default"})
	if err != nil {
		t.Fatal(err)
	}
	events := []notification.Event{sampleEvent(streams, 0), sampleEvent(streams, 1), sampleEvent(streams, 2)}
	if _, err := streams.PublishEvents(ctx, events); err != nil {
		t.Fatal(err)
	}
	seen := make(chan string, 10)
	stop, err := group.Queues[0].Serial(func(d *stream.Delivery) {
		seen <- fmt.Sprintf("%s/%d", d.Key, d.Attempt)
		settle := d.Done
		if d.Key == "key-1" && d.Attempt == 1 {
			settle = func() error { return d.Retry(time.Millisecond) }
		}
		if err := settle(); err != nil {
			t.Error(err)
		}
	}, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, want := range []string{"key-0/1", "key-1/1", "key-1/2", "key-2/1"} {
		select {
		case got := <-seen:
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", want)
		}
	}
}

func TestGroupWithOtherTypesIsRefusedWhileItRuns(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{Lanes: 2}), testContext(t)
	group, err := streams.Group(ctx, stream.GroupSettings{Name: "calls", Types: []string{"outgoingCall", "incomingCall"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := streams.Group(ctx, stream.GroupSettings{Name: "calls", Types: []string{"incomingCall"}}); err != nil {
		t.Errorf("nobody runs the group, yet it can't be changed: %v", err)
	}
	stop, err := group.Queues[0].Serial(func(*stream.Delivery) {}, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	waitForWorker(ctx, t, streams)
	if _, err := streams.Group(ctx, stream.GroupSettings{Name: "calls", Types: []string{"incomingCall"}}); err != nil {
		t.Errorf("same types are refused: %v", err)
	}
	if _, err := streams.Group(ctx, stream.GroupSettings{Name: "calls"}); err == nil || !strings.Contains(err.Error(), "calls") {
		t.Errorf("error %v, want one that names the group", err)
	}
}

func waitForWorker(ctx context.Context, t *testing.T, streams *stream.Streams) {
	t.Helper()
	for {
		status, err := streams.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(status.Groups) == 1 && status.Groups[0].Workers > 0 {
			return
		}
	}
}

func TestDeadLetterComesOutAsItWentInAndOnce(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	letter := notification.DeadLetter{
		Event: sampleEvent(streams, 1), Reason: notification.ReasonInvalid,
		Error:  "2 faults\r\nInjected: header",
		Faults: []notification.Fault{{Pointer: "/from", Message: "is missing"}, {Pointer: "/ä", Message: "“x”"}},
		DiedAt: time.Date(2026, 11, 23, 8, 0, 0, 5, time.UTC),
	}
	for range 2 {
		if err := streams.PublishDeadLetter(ctx, &letter); err != nil {
			t.Fatal(err)
		}
	}
	letters := collect(t, streams.DeadLetters(ctx, stream.Query{}))
	if len(letters) != 1 {
		t.Fatalf("%d dead letters, want 1", len(letters))
	}
	got := letters[0]
	if got.Error != "2 faults  Injected: header" {
		t.Errorf("error %q: a line break must not make a header", got.Error)
	}
	if !slices.Equal(got.Faults, letter.Faults) || got.Key != letter.Key || !got.DiedAt.Equal(letter.DiedAt) ||
		!bytes.Equal(got.Body, letter.Body) || got.NotificationSequence != 2 || got.DeadSequence != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestFaultsBeyondMeasureAreCutAndCounted(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	letter := notification.DeadLetter{Event: sampleEvent(streams, 1), Reason: notification.ReasonInvalid}
	for i := range 100_000 {
		letter.Faults = append(letter.Faults, notification.Fault{Pointer: fmt.Sprintf("/%d", i), Message: "is missing"})
	}
	if err := streams.PublishDeadLetter(ctx, &letter); err != nil {
		t.Fatal(err)
	}
	faults := collect(t, streams.DeadLetters(ctx, stream.Query{}))[0].Faults
	last := faults[len(faults)-1].Message
	if want := fmt.Sprintf("and %d more faults", 100_001-len(faults)); last != want {
		t.Errorf("the last of %d faults is %q, want %q", len(faults), last, want)
	}
}

func TestAlertsAboutTheSameThingAreOne(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	for i := range 3 {
		for _, instance := range []string{"1", "2"} {
			alert := notification.Alert{Severity: notification.SeverityCritical, Title: "x", Detail: fmt.Sprint(i), Instance: instance}
			first, err := streams.PublishAlert(ctx, &alert)
			if err != nil {
				t.Fatal(err)
			}
			if first != (i == 0) {
				t.Errorf("alert %d about %s: first is %t", i, instance, first)
			}
		}
	}
	status, err := streams.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, usage := range status.Streams {
		if usage.Name == stream.Alerts && usage.Messages != 2 {
			t.Errorf("%d alerts, want 2", usage.Messages)
		}
	}
}

func collect[T any](t *testing.T, read func(func(T, error) bool)) []T {
	t.Helper()
	var all []T
	for value, err := range read {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, value)
	}
	return all
}

func TestReadingFiltersLimitsAndFollows(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, stream.Settings{}), testContext(t)
	if got := collect(t, streams.Events(ctx, stream.Query{Limit: 3})); len(got) != 0 {
		t.Errorf("an empty stream has %d events", len(got))
	}
	var events []notification.Event
	for id := range 300 {
		event := sampleEvent(streams, id)
		if id%100 == 0 {
			event.Type = "quotaExceeded"
		}
		events = append(events, event)
	}
	if _, err := streams.PublishEvents(ctx, events); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		query stream.Query
		want  []string
	}{
		"the newest two":          {stream.Query{Limit: 2}, []string{"key-298", "key-299"}},
		"the newest of a type":    {stream.Query{Type: "quotaExceeded", Limit: 2}, []string{"key-100", "key-200"}},
		"all of a type":           {stream.Query{Type: "quotaExceeded"}, []string{"key-0", "key-100", "key-200"}},
		"more than there are":     {stream.Query{Type: "quotaExceeded", Limit: 9}, []string{"key-0", "key-100", "key-200"}},
		"another source":          {stream.Query{Source: "other"}, nil},
		"a token that is lossy":   {stream.Query{Type: "quota.Exceeded"}, nil},
		"since a time to come":    {stream.Query{Since: time.Now().Add(time.Hour)}, nil},
		"since, limited":          {stream.Query{Since: time.Now().Add(time.Hour), Limit: 5}, nil},
		"since long ago, limited": {stream.Query{Since: time.Now().Add(-time.Hour), Limit: 1}, []string{"key-299"}},
	} {
		t.Run(name, func(t *testing.T) {
			var keys []string
			for _, event := range collect(t, streams.Events(testContext(t), test.query)) {
				keys = append(keys, event.Key)
			}
			if !slices.Equal(keys, test.want) {
				t.Errorf("got %v, want %v", keys, test.want)
			}
		})
	}
	followed := make(chan string, 5)
	following, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		for event, err := range streams.Events(following, stream.Query{Limit: 1, Follow: true}) {
			if err != nil {
				t.Error(err)
			}
			followed <- event.Key
		}
	})
	expect(ctx, t, followed, "key-299")
	if _, err := streams.PublishEvents(ctx, []notification.Event{sampleEvent(streams, 300)}); err != nil {
		t.Error(err)
	}
	expect(ctx, t, followed, "key-300")
	cancel()
	group.Wait()
}

func expect(ctx context.Context, t *testing.T, values <-chan string, want string) {
	t.Helper()
	select {
	case got := <-values:
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	case <-ctx.Done():
		t.Fatalf("waited in vain for %s", want)
	}
}

func TestAttachingToAnEmptyServerSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := stream.Attach(testContext(t), streamtest.Start(t).Connect(t)); !errors.Is(err, stream.ErrNoStreams) {
		t.Errorf("error %v, want ErrNoStreams", err)
	}
}

func TestConnectionErrorsHideThePasswordAndSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"nats://me:hunter2@127.0.0.1:1", "nats://me:hunter1@127.0.0.1:1,nats://me:hunter2@127.0.0.1:2", "me:hunter2@127.0.0.1:1",
	} {
		_, err := stream.Connect(stream.Access{URL: url}, "test", slog.New(slog.DiscardHandler))
		if err == nil || strings.Contains(err.Error(), "hunter") || !strings.Contains(err.Error(), "is it running") {
			t.Errorf("error %v", err)
		}
	}
}

func FuzzToken(f *testing.F) {
	for _, seed := range []string{"", "a", "a.b", "*", ">", "ä ö", "\xff", strings.Repeat("ж", 100), "$JS", "\u2028"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token := stream.Token(text)
		if token == "" || len(token) > 64 || strings.ContainsAny(token, ".*> \t\r\n\x00") {
			t.Errorf("Token(%q) = %q", text, token)
		}
		if again := stream.Token(token); again != token {
			t.Errorf("Token(%q) = %q, and again %q", text, token, again)
		}
	})
}
