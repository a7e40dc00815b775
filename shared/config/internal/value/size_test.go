package value_test

import (
	"testing"

	"sluice.internal/shared/config/internal/value"
)

func TestSizesAreReadWithTheirUnits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]value.Size{
		"0": 0, "1": 1, "1B": 1, "1KB": 1000, "1KiB": 1024, "2MB": 2_000_000, "8MiB": 8 << 20, "8 MiB": 8 << 20, "3GB": 3_000_000_000, "1GiB": 1 << 30,
		"9223372036854775807": 1<<63 - 1,
	} {
		if got, err := value.ParseSize(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestWhatIsNotASizeIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "MiB", "8 apples", "8M", "8mib", "-1", "1.5GiB", "+1", "1e3", "0x10", " 1", "9223372036854775808", "9007199254740992KiB"} {
		if got, err := value.ParseSize(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func FuzzSizesAreReadAsTheyAreWritten(f *testing.F) {
	for _, size := range []int64{0, 1, 1000, 1024, 1 << 20, 3 << 30, 1<<63 - 1} {
		f.Add(size)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		if n < 0 {
			return
		}
		text := value.Size(n).String()
		if got, err := value.ParseSize(text); err != nil || got != value.Size(n) {
			t.Errorf("%d is written %q and read as %d, %v", n, text, got, err)
		}
	})
}
