package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

func TestStatusSaysWhatSoonGoesUnprocessed(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	s := &state{Status: admin.Status{
		At:      at,
		Streams: []admin.Usage{{Name: stream.Notifications, MaxAge: 100 * time.Hour}, {Name: stream.Events, MaxAge: 100 * time.Hour}},
		Intake:  admin.Backlog{Name: "intake", Oldest: at.Add(-80 * time.Hour)},
		Groups:  []admin.Backlog{{Name: "young", Holds: at.Add(-79 * time.Hour)}, {Name: "old", Holds: at.Add(-81 * time.Hour)}, {Name: "idle"}},
	}}
	said := fmt.Sprint(s.agingProblems())
	for _, want := range []string{
		"the oldest notification that is not taken in goes unprocessed", "start workers that take notifications in, or raise streams.notifications.max_age",
		`the oldest event that group "old" has not handled`, "100h0m0s", "`sluice groups rm old`, or raise streams.events.max_age",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %s", want, said)
		}
	}
	if strings.Contains(said, "young") || strings.Contains(said, "idle") {
		t.Errorf("complains of %s", said)
	}
	for i := range s.Streams {
		s.Streams[i].MaxAge = 0
	}
	if got := s.agingProblems(); len(got) > 0 {
		t.Errorf("without a greatest age: %v", got)
	}
}
