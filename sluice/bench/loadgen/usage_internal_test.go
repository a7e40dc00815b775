package loadgen

import (
	"os"
	"runtime"
	"testing"
)

func TestUsageOfThisProcessIsKnownOnLinux(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	used := usageOf(os.Getpid())
	if used.Peak < 1<<20 || used.Peak > 1<<40 || busyTime() <= 0 {
		t.Errorf("used %+v, all processors %s", used, busyTime())
	}
	if gone := usageOf(1 << 30); gone.CPU != 0 || gone.Peak != 0 {
		t.Errorf("a process that is not there used %+v", gone)
	}
}

func TestUsageIsThatOfTheTimeBetween(t *testing.T) {
	t.Parallel()
	before := Sample{generator: Usage{CPU: 1, Peak: 1}, processes: []Usage{{PID: 7, CPU: 2, Peak: 5}}}
	after := Sample{generator: Usage{CPU: 4, Peak: 3}, processes: []Usage{{PID: 7, CPU: 7, Peak: 9}}}
	generator, processes, _ := after.Since(before)
	if generator != (Usage{CPU: 3, Peak: 3}) || processes[0] != (Usage{PID: 7, CPU: 5, Peak: 9}) {
		t.Errorf("generator %+v, processes %+v", generator, processes)
	}
}
