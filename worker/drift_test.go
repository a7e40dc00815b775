package worker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"sluice.internal/shared/notification"
)

func TestDriftReachesItsHandlerWithItsFaults(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var (
		mutex sync.Mutex
		seen  []notification.Event
	)
	b.start(settings{Handlers: handlers(func(_ context.Context, event notification.Event) error {
		mutex.Lock()
		defer mutex.Unlock()
		seen = append(seen, event)
		return nil
	})})
	const drifting = `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1,"typeInstance":"v3"},"timestamp":%d,"idMessage":{},"from":"1"}`
	b.send(fmt.Sprintf(drifting, 1), fmt.Sprintf(drifting, 2), `{"typeWebhook":"incomingCall","instanceData":{"idInstance":000001},"from":[]}`)
	b.drain()
	mutex.Lock()
	defer mutex.Unlock()
	slices.SortFunc(seen, func(a, b notification.Event) int { return int(a.Sequence) - int(b.Sequence) })
	want := []notification.Fault{{Pointer: "/idMessage", Message: "is an object, must be a string or an integer"}}
	if len(seen) != 3 || !slices.Equal(seen[0].Faults, want) || !slices.Equal(b.events()[1].Faults, want) || len(b.deadLetters()) > 0 {
		t.Fatalf("handled %+v", seen)
	}
	last := []notification.Fault{
		{Pointer: "/instanceData/idInstance", Message: "is a number with leading zeros"},
		{Pointer: "/from", Message: "is an array, must be a string or an integer"},
		{Pointer: "/idMessage", Message: "is missing"},
		{Pointer: "/instanceData/typeInstance", Message: "is missing"},
	}
	if seen[2].Instance != "1" || !slices.Equal(seen[2].Faults, last) || !strings.Contains(string(seen[2].Body), "000001") {
		t.Errorf("handled %+v", seen[2])
	}
	if lines := strings.Count(b.log.String(), `level=ERROR msg="notification differs from its schema`); lines != 3 {
		t.Errorf("%d lines, want one for each:\n%s", lines, b.log)
	}
	for b.context().Err() == nil && b.alerts() < 5 {
	}
	if alerts := b.alerts(); alerts != 5 {
		t.Errorf("%d alerts, want one for each of 5 kinds of fault", alerts)
	}
}

// A body with nothing but faults costs the operator's log and channel no more than any other.
func TestDriftIsToldInBounds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start(settings{})
	b.send(`{"typeWebhook":"` + strings.Repeat("x", 200) + `","a":[` + strings.Repeat("01,", 3000) + `]}`)
	b.drain()
	events := b.events()
	if len(events) != 1 || len(events[0].Faults) < 50 || len(events[0].Faults) > notification.MaxFaults+1 {
		t.Fatalf("%d events", len(events))
	}
	for line := range strings.Lines(b.log.String()) {
		if len(line) > 8<<10 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	for b.context().Err() == nil && b.alerts() < 2 {
	}
	if alerts := b.alerts(); alerts != 2 { // The zeros in the list are one kind of fault, and the type is new.
		t.Errorf("%d alerts", alerts)
	}
}
