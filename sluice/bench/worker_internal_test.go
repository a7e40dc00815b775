package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
	"sluice.internal/worker/handler"
)

func TestSilenceEndsWithALanesLastEvent(t *testing.T) {
	t.Parallel()
	began := time.Unix(1_800_000_000, 0)
	at := func(lane int, seconds float64) step {
		return step{lane, began.Add(time.Duration(seconds * float64(time.Second)))}
	}
	for name, test := range map[string]struct {
		steps []step
		want  time.Duration
	}{
		"nothing was done":       {},
		"before the first one":   {[]step{at(0, 3), at(0, 4)}, 3 * time.Second},
		"between two":            {[]step{at(0, 1), at(0, 6), at(0, 7)}, 5 * time.Second},
		"of each lane by itself": {[]step{at(0, 1), at(1, 1), at(0, 2), at(0, 3), at(1, 5), at(0, 4)}, 4 * time.Second},
		"not after the last":     {[]step{at(0, 1), at(1, 2), at(1, 4), at(1, 6)}, 2 * time.Second},
		"message out of order":   {[]step{at(0, 7), at(0, 1), at(0, 3)}, 4 * time.Second},
	} {
		if got := longestSilence(test.steps, began); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestBacklogLastsAsLongAsARowAndIsTheSameInEachLane(t *testing.T) {
	t.Parallel()
	run := &runner{TableOptions: TableOptions{Duration: 5 * time.Second, EventRate: 20_000}}
	for takes, want := range map[time.Duration]int{
		0: 1562 * 64, time.Millisecond: 1562 * 64, 20 * time.Millisecond: 250 * 64, time.Minute: 64,
	} {
		if got := run.backlogOf(row{workers: 1, concurrency: 64, takes: takes}, 64); got != want {
			t.Errorf("handlers that take %s: %d events, want %d", takes, got, want)
		}
	}
}

func TestEventsAndParkedOnesFillAllLanesAlike(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t, streamtest.Lanes(8))
	run := &runner{TableOptions: TableOptions{Size: 960, Instances: 16}}
	const each = laneChats + 4
	if err := errors.Join(run.fillEvents(t.Context(), streams.Worker(), 8*each, laneChats), run.park(t.Context(), streams.Worker(), 8*each)); err != nil {
		t.Fatal(err)
	}
	lanes, chats := map[int]int{}, map[string]bool{}
	for event, err := range streams.Events(t.Context(), admin.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		lanes[event.Lane]++
		chats[event.Instance+event.OrderKey] = true
	}
	parked := map[int]int{}
	for retry, err := range streams.Retries(t.Context(), admin.Query{Group: groupName}) {
		if err != nil {
			t.Fatal(err)
		}
		parked[retry.Lane]++
		if time.Until(retry.DueAt) < time.Hour || retry.Attempt != failedTries || len(retry.History) != failedTries {
			t.Fatalf("parked %+v", retry)
		}
	}
	for lane := range 8 {
		if lanes[lane] != each || parked[lane] != each {
			t.Errorf("lane %d has %d events and %d parked, want %d of both", lane, lanes[lane], parked[lane], each)
		}
	}
	if len(chats) != 8*laneChats {
		t.Errorf("%d chats, want %d", len(chats), 8*laneChats)
	}
}

func TestWorkerTellsWhatItHasDoneOnce(t *testing.T) {
	t.Parallel()
	i := &idle{work: work{Traced: true}}
	for lane := range 3 {
		handled, err := i.Handle(t.Context(), notification.Event{Lane: lane}, handler.Tools{})
		if !handled || err != nil {
			t.Fatalf("handled %t, error %v", handled, err)
		}
	}
	ended := make(chan error, 1)
	ended <- nil
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	if err := errors.Join(i.reportUntil(ended, encoder), i.report(encoder)); err != nil {
		t.Fatal(err)
	}
	var said message
	if err := json.Unmarshal(out.Bytes(), &said); err != nil {
		t.Fatalf("said %q: %v", &out, err)
	}
	if got := said.Progress; got.Handled != 3 || len(got.Steps) != 3 || !got.Last.Equal(got.Steps[2].At) || got.Steps[2].Lane != 2 {
		t.Errorf("said %s", &out)
	}
}

func TestHandlerThatIsToldToEndHasNotHandled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	i := &idle{work: work{Takes: time.Hour}}
	if _, err := i.Handle(ctx, notification.Event{}, handler.Tools{}); !errors.Is(err, context.Canceled) || i.done.Handled != 0 {
		t.Errorf("error %v, %d handled", err, i.done.Handled)
	}
}

func TestRowsWithoutParkedEventsAreLeftOut(t *testing.T) {
	t.Parallel()
	for parked, want := range map[int]int{0: 0, 7: 2} {
		count := 0
		for _, r := range rows(TableOptions{Connections: []int{1}, Parked: parked}) {
			if strings.Contains(r.String(), "parked") {
				count++
			}
		}
		if count != want {
			t.Errorf("%d parked: %d rows, want %d", parked, count, want)
		}
	}
}
