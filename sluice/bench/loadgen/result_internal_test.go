package loadgen

import "testing"

func TestResultSaysWhatPeopleAskFor(t *testing.T) {
	t.Parallel()
	r := &Result{
		Requests: 20_000, Seconds: 2, P50: 1, P90: 2, P99: 3, P999: 4.5,
		Generator: Usage{CPU: 0.5}, Processes: []Usage{{PID: 7, CPU: 2, Peak: 42e6}},
		Statuses: map[int]int{200: 20_100}, Checked: &StoredCheck{Accepted: 20_100, Stored: 20_100},
	}
	want := `requests/s            10000
answered 200          20100
p50, p90, p99, p99.9  1.00, 2.00, 3.00, 4.50 ms
CPU per 10,000        0.25 s generator
                      1.00 s process 7, at most 42 MB
in the stream         20100 of 20100
`
	if got := r.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
