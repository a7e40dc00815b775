package loadgen

import "testing"

func TestUsageIsThatOfTheTimeBetween(t *testing.T) {
	t.Parallel()
	before := Sample{generator: Usage{CPU: 1, Peak: 1}, processes: []Usage{{PID: 7, CPU: 2, Peak: 5}}}
	after := Sample{generator: Usage{CPU: 4, Peak: 3}, processes: []Usage{{PID: 7, CPU: 7, Peak: 9}}}
	generator, processes, _ := after.Since(before)
	if generator != (Usage{CPU: 3, Peak: 3}) || processes[0] != (Usage{PID: 7, CPU: 5, Peak: 9}) {
		t.Errorf("generator %+v, processes %+v", generator, processes)
	}
}
