package consume_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// parkMany parks that many events for a group, all of them due within a second from then on.
func parkMany(ctx context.Context, t *testing.T, streams *streamtest.Streams, group string, count int, due time.Time) {
	t.Helper()
	const together = 16
	var parking sync.WaitGroup
	for first := range together {
		parking.Go(func() {
			for id := first; id < count; id += together {
				event := streamtest.Event(streams, id)
				event.Sequence, event.Attempt = uint64(id+1), 1+id%5
				until := due.Add(time.Second * time.Duration(id) / time.Duration(count))
				if err := streams.Park(ctx, group, &event, until); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	parking.Wait()
}

// waiting counts what a group has still parked, and how often each attempt of each event is due. It waits for a server
// that is away.
func waiting(ctx context.Context, t *testing.T, streams *streamtest.Streams, group string) (parked int, due map[string]int) {
	t.Helper()
	streamtest.Eventually(ctx, t, "the listing", func() bool {
		var err error
		parked, due, err = count(ctx, streams, group)
		return err == nil
	})
	return parked, due
}

func count(ctx context.Context, streams *streamtest.Streams, group string) (parked int, due map[string]int, err error) {
	bounded, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	due = map[string]int{}
	for retry, err := range streams.Retries(bounded, admin.Query{Group: group}) {
		if err != nil {
			return 0, nil, err
		}
		if !retry.DueAt.IsZero() {
			parked++
			continue
		}
		due[fmt.Sprintf("%s/%d", retry.Key, retry.Attempt)]++
	}
	return parked, due, nil
}

// checkFired waits until nothing is parked any more, and tells which of count events did not become due once.
func checkFired(ctx context.Context, t *testing.T, streams *streamtest.Streams, group string, count int) {
	t.Helper()
	var due map[string]int
	streamtest.Eventually(ctx, t, "everything parked to become due", func() bool {
		var parked int
		parked, due = waiting(ctx, t, streams, group)
		return parked == 0 && len(due) >= count
	})
	for id := range count {
		name := fmt.Sprintf("key-%d/%d", id, 1+id%5)
		if due[name] != 1 {
			t.Errorf("%s is due %d times", name, due[name])
		}
		delete(due, name)
	}
	if len(due) > 0 {
		t.Errorf("also due: %v", due)
	}
}

func TestWhatIsParkedBecomesDueOnceWhenTheBrokerRestartsMeanwhile(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Lanes(8))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	const count = 1200
	parkMany(ctx, t, streams, "a", count, time.Now().Add(3*time.Second))
	for _, part := range []int{1, count / 3, 2 * count / 3} {
		streamtest.Eventually(ctx, t, "some to become due", func() bool {
			_, due := waiting(ctx, t, streams, "a")
			return len(due) >= part
		})
		server.Restart(t)
	}
	checkFired(ctx, t, streams, "a", count)
}

func TestWhatBecameDueWhileTheBrokerWasAwayIsDueOnce(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Lanes(8))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	const count = 500
	due := time.Now().Add(2 * time.Second)
	parkMany(ctx, t, streams, "a", count, due)
	server.Stop()
	time.Sleep(time.Until(due.Add(500 * time.Millisecond))) // Half of it is due by then.
	server.Resume(t)
	checkFired(ctx, t, streams, "a", count)
}

func TestWhatIsParkedBecomesDueOnceWhenTheLeaderStopsMeanwhile(t *testing.T) {
	t.Parallel()
	cluster := streamtest.StartCluster(t)
	streams := cluster.Open(t, streamtest.Lanes(8))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	const count = 2000
	parkMany(ctx, t, streams, "a", count, time.Now().Add(3*time.Second))
	streamtest.Eventually(ctx, t, "some to become due", func() bool {
		_, due := waiting(ctx, t, streams, "a")
		return len(due) > 0
	})
	cluster.StopLeader(t, stream.Retries).Resume(t)
	cluster.AwaitCurrent(t)
	checkFired(ctx, t, streams, "a", count)
}

// open makes the group "a" with one lane, which is the first of its partitions; the second has what is due.
func open(ctx context.Context, t *testing.T, streams *streamtest.Streams) (lane, due *consume.Partition) {
	t.Helper()
	group, err := streams.Group(ctx, consume.GroupSettings{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if len(group.Partitions) != 2 || group.Partitions[0].Due() || !group.Partitions[1].Due() {
		t.Fatalf("%d partitions", len(group.Partitions))
	}
	return group.Partitions[0], group.Partitions[1]
}

// next is the next event that a partition hands out.
func next(ctx context.Context, t *testing.T, p *consume.Partition) *consume.Delivery {
	t.Helper()
	return streamtest.NextDelivery(ctx, t, p)
}

func TestSameAttemptIsParkedOnceAndANewerOneTakesItsPlace(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Lanes(1)), streamtest.Context(t)
	streamtest.PublishEvents(ctx, t, streams, 0, 1)
	lane, _ := open(ctx, t, streams)
	d, hour := next(ctx, t, lane), time.Now().Add(time.Hour).Truncate(time.Nanosecond).UTC()
	streamtest.Must(t, d.Park(ctx, hour), d.Park(ctx, hour.Add(time.Minute)))
	retries := streamtest.Collect(t, streams.Retries(ctx, admin.Query{}))
	if len(retries) != 1 || !retries[0].DueAt.Equal(hour) || retries[0].Attempt != 1 {
		t.Errorf("the same attempt parked twice: %+v", retries)
	}
	d.Attempt = 2
	streamtest.Must(t, d.Park(ctx, hour.Add(2*time.Minute)))
	retries = streamtest.Collect(t, streams.Retries(ctx, admin.Query{}))
	if len(retries) != 1 || !retries[0].DueAt.Equal(hour.Add(2*time.Minute)) || retries[0].Attempt != 2 {
		t.Errorf("a newer attempt: %+v", retries)
	}
}

func TestAttemptThatIsDueAlreadyIsNotParkedAgain(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Lanes(1)), streamtest.Context(t)
	streamtest.PublishEvents(ctx, t, streams, 0, 1)
	lane, due := open(ctx, t, streams)
	d := next(ctx, t, lane)
	streamtest.Must(t, d.Park(ctx, time.Now()))
	again := next(ctx, t, due)
	// The worker that parked it crashed before it could acknowledge, and another one comes to the same end.
	streamtest.Must(t, d.Park(ctx, time.Now()), d.Done(), again.Done())
	streamtest.Eventually(ctx, t, "what is done to be gone", func() bool {
		return len(streamtest.Collect(t, streams.Retries(ctx, admin.Query{}))) == 0
	})
	if again.Attempt != 2 || !again.Due || again.Sequence != 1 || again.Key != "key-0" {
		t.Errorf("handed out again: %+v", again)
	}
}

func TestDueEventOfAWorkerThatCrashedIsParkedOnceByTheNext(t *testing.T) {
	t.Parallel()
	server, ctx := streamtest.Start(t), streamtest.Context(t)
	streams := server.Open(t, streamtest.Lanes(1))
	event := streamtest.Event(streams, 0)
	_, first := open(ctx, t, streams)
	_, second := open(ctx, t, server.Open(t))
	streamtest.Must(t, streams.Redeliver(ctx, "a", event, "replay/1"))
	d := next(ctx, t, first)
	streamtest.Must(t, d.Park(ctx, time.Now().Add(time.Hour)), d.Retry(0))
	again := next(ctx, t, second)
	streamtest.Must(t, again.Park(ctx, time.Now().Add(time.Hour)), again.Done())
	if d.Attempt != 1 || again.Attempt != 1 {
		t.Errorf("attempts %d and %d, want 1: nothing failed in between", d.Attempt, again.Attempt)
	}
	streamtest.Eventually(ctx, t, "one of it to be parked, and nothing due", func() bool {
		parked, due := waiting(ctx, t, streams, "a")
		return parked == 1 && len(due) == 0
	})
}

func TestGroupThatIsMadeAnewParksWhatTheOneBeforeItHadParked(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Lanes(1)), streamtest.Context(t)
	streamtest.PublishEvents(ctx, t, streams, 0, 1)
	for round := range 2 {
		lane, _ := open(ctx, t, streams)
		d := next(ctx, t, lane)
		streamtest.Must(t, d.Park(ctx, time.Now().Add(time.Hour)), d.Done())
		if parked, _ := waiting(ctx, t, streams, "a"); parked != 1 {
			t.Fatalf("%d events parked in the life %d of the group, want 1", parked, round+1)
		}
		streamtest.Must(t, streams.RemoveGroup(ctx, "a"))
		if parked, _ := waiting(ctx, t, streams, "a"); parked != 0 {
			t.Fatalf("%d events parked for a group that is removed", parked)
		}
	}
}

func TestGroupThatIsMadeAnewBuriesWhatTheOneBeforeItHadBuried(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Lanes(1)), streamtest.Context(t)
	streamtest.PublishEvents(ctx, t, streams, 0, 1)
	for life := range 2 {
		lane, _ := open(ctx, t, streams)
		d := next(ctx, t, lane)
		letter := &notification.DeadLetter{Event: d.Event, Reason: notification.ReasonRefused, Group: "a", DiedAt: time.Unix(1800000000, 0)}
		streamtest.Must(t, d.Bury(ctx, letter), d.Bury(ctx, letter), d.Done())
		letters := streamtest.Collect(t, streams.DeadLetters(ctx, admin.Query{}))
		if len(letters) != 1 {
			t.Fatalf("%d dead letters in the life %d of the group, want 1", len(letters), life+1)
		}
		streamtest.Must(t, streams.DropDeadLetter(ctx, &letters[0], "me@here"), streams.RemoveGroup(ctx, "a"))
	}
}

func TestWhatIsDueFindsCapacityInAFullStream(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t, streamtest.Lanes(1), func(s *config.Streams) { s.Retries.MaxBytes = 600 })
	ctx := streamtest.Context(t)
	streamtest.PublishEvents(ctx, t, streams, 0, 2)
	lane, due := open(ctx, t, streams)
	d := next(ctx, t, lane)
	streamtest.Must(t, d.Park(ctx, time.Now()), d.Done())
	waits, again := next(ctx, t, lane), next(ctx, t, due)
	streamtest.Eventually(ctx, t, "the stream to be seen full", func() bool {
		bounded, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return errors.Is(waits.Park(bounded, time.Now().Add(time.Hour)), stream.ErrFull)
	})
	streamtest.Must(t, again.Park(ctx, time.Now().Add(time.Hour)), again.Done())
	streamtest.Must(t, streams.RemoveGroup(ctx, "a")) // So that there is capacity again.
	streamtest.Eventually(ctx, t, "capacity", func() bool { return waits.Park(ctx, time.Now().Add(time.Hour)) == nil })
}

func TestSameRoundIsHandedOverOnceAndAnotherOneAgain(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Lanes(1)), streamtest.Context(t)
	var want []string
	for _, round := range []string{"dead/1", "dead/1", "replay/1", "dead/1"} {
		for id := range 20 {
			event := streamtest.Event(streams, id)
			event.Sequence, event.Attempt, event.Replayed = uint64(id+1), 7, true
			event.History = []notification.Try{{At: time.Unix(1800000000, 0), Attempt: 7, Error: "no"}}
			streamtest.Must(t, streams.Redeliver(ctx, "a", event, round))
		}
	}
	for _, round := range []string{"dead/1", "replay/1"} {
		for id := range 20 {
			want = append(want, fmt.Sprintf("%s %d 1 1 true", round, id+1))
		}
	}
	_, due := open(ctx, t, streams)
	var got []string
	for range want {
		d := next(ctx, t, due)
		got = append(got, fmt.Sprintf("%s %d %d %d %t", d.Round, d.Sequence, d.Attempt, len(d.History), d.Replayed))
		streamtest.Must(t, d.Done())
	}
	if !slices.Equal(got, want) {
		t.Errorf("handed over\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	streamtest.Eventually(ctx, t, "nothing more to be due", func() bool {
		return len(streamtest.Collect(t, streams.Retries(ctx, admin.Query{}))) == 0
	})
}

func TestEachRoundThatEndsLeavesADeadLetterOfItsOwn(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	event := streamtest.Event(streams, 1)
	for _, round := range []string{"", "", "dead/1", "dead/1", "dead/2"} {
		event.Round = round
		streamtest.Bury(ctx, t, streams, event, "a")
	}
	rounds := map[string]int{}
	for _, letter := range streamtest.Collect(t, streams.DeadLetters(ctx, admin.Query{})) {
		rounds[letter.Round]++
	}
	if want := map[string]int{"": 1, "dead/1": 1, "dead/2": 1}; !maps.Equal(rounds, want) {
		t.Errorf("letters by their round: %v, want %v", rounds, want)
	}
}

func TestHistoryOfAnyLengthIsKeptByItsBeginningAndItsEnd(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	const tries = 40_000 // A lane that waited for a month.
	event := streamtest.Event(streams, 1)
	for attempt := 1; attempt <= tries; attempt++ {
		event.History = append(event.History, notification.Try{At: time.Unix(1800000000, 0), Attempt: attempt, Error: strings.Repeat("<", attempt%500)})
	}
	letter := streamtest.Bury(ctx, t, streams, event, "a")
	kept := letter.History
	if len(kept) < 6 || len(event.History) != tries {
		t.Fatalf("%d tries kept of %d", len(kept), len(event.History))
	}
	for i, want := range map[int]int{0: 1, 1: 2, 2: 3, len(kept) - 2: tries - 1, len(kept) - 1: tries} {
		if kept[i].Attempt != want {
			t.Errorf("place %d has attempt %d, want %d", i, kept[i].Attempt, want)
		}
	}
}

func TestLargestBodyCanBeParkedWithAllThatIsSaidOfIt(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t, streamtest.Lanes(1)), streamtest.Context(t)
	long := strings.Repeat("ü", 2000)
	n := notification.Notification{
		Origin: notification.Origin{
			Source: long, Provider: long, ReceivedAt: time.Unix(1800000000, 0), ContentType: long,
			RemoteAddress: long, RequestID: long, TraceParent: long, Body: make([]byte, streams.MaxBody()),
		},
		Type: long, Instance: long,
	}
	event, _ := streams.NewEvent(&n, notification.Identity{Type: long, Instance: long, OrderKey: long, Key: long, SentAt: time.Unix(1800000000, 0), Object: long})
	for attempt := range 500 {
		event.History = append(event.History, notification.Try{At: time.Unix(1800000000, 0), Attempt: attempt, Error: long})
	}
	event.Attempt, event.FirstFailedAt = 500, time.Unix(1800000000, 0)
	streamtest.Must(t, streams.Redeliver(ctx, "a", event, long))
	_, due := open(ctx, t, streams)
	d := next(ctx, t, due)
	streamtest.Must(t, d.Park(ctx, time.Now().Add(time.Hour)), d.Done())
	streamtest.Bury(ctx, t, streams, d.Event, "a")
}
