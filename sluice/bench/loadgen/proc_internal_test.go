//go:build linux

package loadgen

import (
	"os"
	"testing"
)

// Elsewhere there is no /proc, and so no usage.
func TestUsageOfThisProcessIsKnown(t *testing.T) {
	t.Parallel()
	used := usageOf(os.Getpid())
	if used.Peak < 1<<20 || used.Peak > 1<<40 || busyTime() <= 0 {
		t.Errorf("used %+v, all processors %s", used, busyTime())
	}
	if gone := usageOf(1 << 30); gone.CPU != 0 || gone.Peak != 0 {
		t.Errorf("a process that is not there used %+v", gone)
	}
}
