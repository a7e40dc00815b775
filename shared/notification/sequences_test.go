package notification_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"sluice.internal/shared/notification"
)

func TestSequencesAreASetWrittenAsRanges(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		added []uint64
		want  string
	}{
		{nil, ""},
		{[]uint64{5}, "5"},
		{[]uint64{1, 2, 3, 7}, "1-3,7"},
		{[]uint64{7, 3, 1, 2, 2, 3}, "1-3,7"},
		{[]uint64{1, 3, 2}, "1-3"},
		{[]uint64{4, 3}, "3-4"},
	} {
		var s notification.Sequences
		for _, sequence := range test.added {
			s.Add(sequence)
		}
		if s.String() != test.want {
			t.Errorf("%v is written as %q, want %q", test.added, s, test.want)
		}
	}
}

func TestSequencesHoldWhatAMapWouldHold(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		var s notification.Sequences
		held := map[uint64]bool{}
		for range 200 {
			sequence := random.Uint64N(150) + 1
			s.Add(sequence)
			held[sequence] = true
		}
		document, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var read, joined notification.Sequences
		if err := json.Unmarshal(document, &read); err != nil || read.String() != s.String() {
			t.Fatalf("%s became %s, error %v", document, read, err)
		}
		for part := range s.Chunks(3) {
			joined.AddAll(&part)
		}
		if joined.String() != s.String() || s.Len() != uint64(len(held)) || !slices.IsSorted(slices.Collect(s.All())) {
			t.Errorf("%s has %d, in parts it is %s", s, s.Len(), joined)
		}
		backward := slices.Collect(s.Backward())
		slices.Reverse(backward)
		if !slices.Equal(backward, slices.Collect(s.All())) {
			t.Errorf("backward %v", backward)
		}
		for sequence := range uint64(155) {
			if s.Contains(sequence) != held[sequence] {
				t.Errorf("%s contains %d: %t", s, sequence, !held[sequence])
			}
		}
	}
}

func TestWhatIsNoSequencesIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a", "1-", "-1", "3-2", "5,4", "1-3,3", "1,,2", "18446744073709551615", "1-18446744073709551615"} {
		if err := new(notification.Sequences).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
