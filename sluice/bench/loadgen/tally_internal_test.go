package loadgen

import (
	"testing"
	"time"
)

func TestQuantilesAreValuesThatWereMeasured(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for name, test := range map[string]struct {
		values []time.Duration
		part   float64
		want   time.Duration
	}{
		"none":                 {nil, 0.5, 0},
		"one":                  {hundred[:1], 0.99, 1},
		"half of two":          {hundred[:2], 0.5, 1},
		"half of three":        {hundred[:3], 0.5, 2},
		"half of a hundred":    {hundred, 0.5, 50},
		"90 % of a hundred":    {hundred, 0.9, 90},
		"99 % of a hundred":    {hundred, 0.99, 99},
		"99.9 % of a hundred":  {hundred, 0.999, 100},
		"all of a hundred":     {hundred, 1, 100},
		"no part of a hundred": {hundred, 0, 1},
	} {
		if got := quantile(test.values, test.part); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
