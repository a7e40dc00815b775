package cli

import (
	"testing"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
)

func TestRatesComeFromTwoLooks(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	look := func(seconds int, stored uint64, waiting uint64) admin.Status {
		return admin.Status{
			At:      at.Add(time.Duration(seconds) * time.Second),
			Streams: []admin.Usage{{Name: stream.Events, LastSequence: stored}},
			Groups:  []admin.Backlog{{Name: "a", Waiting: waiting, UnderWay: 10}},
		}
	}
	for name, test := range map[string]struct {
		before, now    admin.Status
		in, out, empty string
	}{
		"nothing happens":     {look(0, 50, 0), look(2, 50, 0), "0", "0", "never"},
		"it grows":            {look(0, 50, 100), look(2, 250, 200), "100", "50", "never"},
		"it gets shorter":     {look(0, 50, 900), look(2, 250, 700), "100", "200", "7s"},
		"it takes long":       {look(0, 50, 5000), look(2, 51, 4998), "0.5", "1.5", "1h23m"},
		"it keeps up":         {look(0, 50, 0), look(2, 250, 0), "100", "100", "<1s"},
		"streams are new":     {look(0, 50, 0), look(2, 3, 0), "0", "0", "never"},
		"no time in between":  {look(0, 50, 0), look(0, 60, 0), "", "", ""},
		"the group was added": {admin.Status{At: at}, look(2, 60, 0), "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &state{Status: test.now, before: &test.before}
			group := test.now.Groups[0]
			in, out, empty := s.rateOf("a", stream.Events, group).cells(todo(group))
			if in != test.in || out != test.out || empty != test.empty {
				t.Errorf("in %q, out %q, empty in %q; want %q, %q, %q", in, out, empty, test.in, test.out, test.empty)
			}
		})
	}
	if in, out, empty := (&state{Status: look(0, 1, 1)}).rateOf("a", stream.Events, admin.Backlog{}).cells(1); in+out+empty != "" {
		t.Errorf("one look: in %q, out %q, empty in %q", in, out, empty)
	}
}

func TestSpansHaveTwoUnits(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "<1s", 59 * time.Second: "59s", time.Minute: "1m00s", 59*time.Minute + 5*time.Second: "59m05s",
		time.Hour: "1h00m", 47*time.Hour + 59*time.Minute: "47h59m", 50 * time.Hour: "2d02h", 700 * time.Hour: "29d04h",
	} {
		if got := span(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
