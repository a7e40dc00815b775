package retention

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"sluice.internal/shared/stream/internal/wire"
)

func stranger(source, cause string, bucket int) wire.RejectionKind {
	return wire.RejectionKind{Source: source, Cause: cause, Bucket: bucket}
}

func knownSender(source string) wire.RejectionKind {
	return wire.RejectionKind{Source: source, Cause: "body-too-large", Known: true}
}

func TestWhoHasMoreThanAnEqualShareGivesWay(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct{ have, want map[wire.RejectionKind]int64 }{
		"what fits stays": {
			map[wire.RejectionKind]int64{stranger("a", "x", 0): 60, knownSender("a"): 40}, nil,
		},
		"strangers give way to known senders": {
			map[wire.RejectionKind]int64{stranger("a", "x", 0): 100, knownSender("b"): 60},
			map[wire.RejectionKind]int64{stranger("a", "x", 0): 40},
		},
		"and keep a quarter": {
			map[wire.RejectionKind]int64{stranger("a", "x", 0): 100, knownSender("b"): 200},
			map[wire.RejectionKind]int64{stranger("a", "x", 0): 25, knownSender("b"): 75},
		},
		"which known senders have while strangers need less": {
			map[wire.RejectionKind]int64{stranger("a", "x", 0): 5, knownSender("b"): 200},
			map[wire.RejectionKind]int64{knownSender("b"): 95},
		},
		"a source that is flooded costs no other": {
			map[wire.RejectionKind]int64{stranger("a", "x", 0): 500, stranger("b", "x", 0): 30, stranger("c", "x", 0): 10},
			map[wire.RejectionKind]int64{stranger("a", "x", 0): 60},
		},
		"nor a cause another": {
			map[wire.RejectionKind]int64{stranger("a", "x", 0): 500, stranger("a", "y", 0): 30},
			map[wire.RejectionKind]int64{stranger("a", "x", 0): 70},
		},
		"nor an address another": {
			map[wire.RejectionKind]int64{stranger("a", "x", 0): 500, stranger("a", "x", 1): 500, stranger("a", "x", 2): 20},
			map[wire.RejectionKind]int64{stranger("a", "x", 0): 40, stranger("a", "x", 1): 40},
		},
	} {
		got := fairShares(c.have, 100)
		if len(got) != len(c.want) || !maps.Equal(got, c.want) && c.want != nil {
			t.Errorf("%s: %v, want %v", sentence, got, c.want)
		}
	}
}

func TestSharesNeverExceedTheLimitAndNobodyBelowAnEqualShareLoses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(0, 1<<30).Draw(t, "limit")
		have := map[wire.RejectionKind]int64{}
		for range rapid.IntRange(0, 60).Draw(t, "kinds") {
			kind := wire.RejectionKind{
				Source: rapid.StringMatching(`[a-d]`).Draw(t, "source"), Cause: rapid.StringMatching(`[x-z]`).Draw(t, "cause"),
				Known: rapid.Bool().Draw(t, "known"), Bucket: rapid.IntRange(0, 7).Draw(t, "bucket"),
			}
			have[kind] = rapid.Int64Range(1, 1<<30).Draw(t, "bytes")
		}
		shares, left, known := fairShares(have, limit), int64(0), int64(0)
		for kind, bytes := range have {
			share, cut := shares[kind]
			if !cut {
				share = bytes
			}
			if share > bytes || share < 0 {
				t.Fatalf("%v has %d bytes and may keep %d", kind, bytes, share)
			}
			if left += share; kind.Known {
				known += bytes
			}
			// Four sources, three causes and eight buckets share what is theirs.
			if cut && !kind.Known && bytes <= limit/4/4/3/8 {
				t.Fatalf("%v has %d of %d bytes and loses", kind, bytes, limit)
			}
			if cut && kind.Known && known <= limit*3/4 && sum(have) == bytes {
				t.Fatalf("a known sender alone loses: %d of %d", bytes, limit)
			}
		}
		if left > limit {
			t.Fatalf("%d bytes stay, %d may", left, limit)
		}
	})
}
