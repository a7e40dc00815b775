package intake

import (
	"strings"
	"testing"
	"time"
)

func TestSourceThatFallsSilentIsToldOnceAndAgainTheNextTime(t *testing.T) {
	t.Parallel()
	known, now := silences{}, time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	told := 0
	pass := func(minutes int, sends bool, last time.Time) time.Time {
		for range minutes {
			now = now.Add(time.Minute)
			if sends {
				last = now
			}
			for _, alert := range known.observe(map[string]time.Time{"github": last}, now) {
				told++
				if alert.Source != "github" || !strings.Contains(alert.Detail, "sluice rejections --source github") {
					t.Errorf("alert %+v", alert)
				}
			}
		}
		return last
	}
	expect := func(want int, sentence string) {
		t.Helper()
		if told != want {
			t.Fatalf("%s: told %d times, want %d", sentence, told, want)
		}
	}
	last := pass(60, true, now)
	last = pass(59, false, last)
	expect(0, "less than an hour")
	last = pass(120, false, last)
	expect(1, "more than an hour")
	pass(60, true, last)
	last = pass(400, false, now)
	expect(1, "three hours and less than three times as long")
	pass(200, false, last)
	expect(2, "more than three times as long")
	pass(22*24*60, true, now)
	pass(90, false, now)
	expect(3, "what was usual weeks ago is no more")
}

func TestSourceThatHardlySendsIsNeverSilent(t *testing.T) {
	t.Parallel()
	known, now := silences{}, time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	for i := range minSeen - 1 {
		known.observe(map[string]time.Time{"a": now.Add(time.Duration(i) * time.Minute)}, now)
	}
	if alerts := known.observe(nil, now.Add(1000*time.Hour)); len(alerts) > 0 {
		t.Errorf("alerts %+v", alerts)
	}
}
