package metrics_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/metrics"
)

// collect returns the series of the set that are Sluice's own, with their values.
func collect(t *testing.T, set *metrics.Set) map[string]string {
	t.Helper()
	answer := httptest.NewRecorder()
	set.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != 200 {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	series := map[string]string{}
	for line := range strings.Lines(answer.Body.String()) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "} "); found && strings.HasPrefix(name, "sluice_") {
			series[name+"}"] = value
		}
	}
	return series
}

func TestRequestsAreCountedBySourceAndAnswer(t *testing.T) {
	t.Parallel()
	set := metrics.New("v1")
	gateway := set.Gateway([]string{"green-api", "github"})
	if got := collect(t, set)[`sluice_gateway_requests_total{code="stored",source="github"}`]; got != "0" {
		t.Errorf("before any request: %q", got)
	}
	for range 3 {
		gateway.Begin()
		gateway.End("green-api", "stored", 20*time.Millisecond, 100)
	}
	gateway.Begin()
	gateway.End("", "not_found", time.Millisecond, 0)
	gateway.Refused("", "unknown-path")
	gateway.Refused("github", "")
	got := collect(t, set)
	for series, want := range map[string]string{
		`sluice_build_info{version="v1"}`:                                               "1",
		`sluice_gateway_requests_total{code="stored",source="green-api"}`:               "3",
		`sluice_gateway_requests_total{code="not_found",source="none"}`:                 "1",
		`sluice_gateway_refused_total{cause="unknown-path",source="none"}`:              "1",
		`sluice_gateway_stored_body_bytes_total{source="green-api"}`:                    "300",
		`sluice_gateway_request_duration_seconds_bucket{source="green-api",le="0.01"}`:  "0",
		`sluice_gateway_request_duration_seconds_bucket{source="green-api",le="0.025"}`: "3",
		`sluice_gateway_request_duration_seconds_count{source="none"}`:                  "1",
	} {
		if got[series] != want {
			t.Errorf("%s is %q, want %q", series, got[series], want)
		}
	}
}

func TestEventsAreCountedByTypeAndOutcome(t *testing.T) {
	t.Parallel()
	set := metrics.New("v1")
	handling, intake, store := set.Handling("default", []string{"incomingCall"}), set.Intake(), set.Store()
	handling.Called("incomingCall", metrics.OutcomeDone, time.Second, time.Now().Add(-2*time.Second))
	handling.Called("incomingCall", metrics.OutcomeRetried, time.Second, time.Now())
	handling.Called("orderPaid", metrics.OutcomeNone, 0, time.Now())
	intake.Became("green-api", metrics.OutcomeEvent, true, true)
	intake.Became("green-api", metrics.OutcomeDuplicate, false, false)
	store.Holds("EVENTS", 7, 700, -1)
	store.Unprocessed(map[string]uint64{"default": 5, "gone": 1})
	store.Unprocessed(map[string]uint64{"default": 4})
	got := collect(t, set)
	for series, want := range map[string]string{
		`sluice_handler_events_total{group="default",outcome="done",type="incomingCall"}`:    "1",
		`sluice_handler_events_total{group="default",outcome="retried",type="incomingCall"}`: "1",
		`sluice_handler_events_total{group="default",outcome="none",type="orderPaid"}`:       "1",
		`sluice_handler_duration_seconds_count{group="default",type="incomingCall"}`:         "2",
		`sluice_event_age_seconds_bucket{group="default",le="1"}`:                            "0",
		`sluice_event_age_seconds_count{group="default"}`:                                    "1",
		`sluice_intake_notifications_total{outcome="event",source="green-api"}`:              "1",
		`sluice_intake_notifications_total{outcome="duplicate",source="green-api"}`:          "1",
		`sluice_intake_unknown_type_total{source="green-api"}`:                               "1",
		`sluice_intake_faulty_events_total{source="green-api"}`:                              "1",
		`sluice_stream_messages{stream="EVENTS"}`:                                            "7",
		`sluice_stream_max_bytes{stream="EVENTS"}`:                                           "0",
		`sluice_group_unprocessed_events{group="default"}`:                                   "4",
		`sluice_group_unprocessed_events{group="gone"}`:                                      "",
		`sluice_handler_duration_seconds_count{group="default",type="orderPaid"}`:            "",
	} {
		if got[series] != want {
			t.Errorf("%s is %q, want %q", series, got[series], want)
		}
	}
}

// Whoever sends new types and sources all the time makes no new series all the time.
func TestFloodOfNamesMakesFewSeries(t *testing.T) {
	t.Parallel()
	set := metrics.New("v1")
	handling, intake, gateway := set.Handling("default", []string{"incomingCall"}), set.Intake(), set.Gateway([]string{"green-api"})
	for number := range 10_000 {
		name := fmt.Sprintf("name-%d", number)
		handling.Called(name, metrics.OutcomeDone, time.Second, time.Now())
		intake.Became(name, metrics.OutcomeEvent, true, true)
		gateway.Begin()
		gateway.End(name, "stored", time.Second, 1)
	}
	handling.Called("incomingCall", metrics.OutcomeDone, time.Second, time.Now())
	got := collect(t, set)
	if most := 10_000; len(got) > most {
		t.Errorf("%d series, at most %d are wanted", len(got), most)
	}
	if got[`sluice_handler_events_total{group="default",outcome="done",type="other"}`] != "9801" {
		t.Errorf("of other types are %q", got[`sluice_handler_events_total{group="default",outcome="done",type="other"}`])
	}
	if got[`sluice_handler_events_total{group="default",outcome="done",type="incomingCall"}`] != "1" {
		t.Error("a type that has a handler is lost among the others")
	}
	if got[`sluice_gateway_requests_total{code="stored",source="name-1"}`] != "" {
		t.Error("a source that is not configured has a series")
	}
}

func TestNothingIsCountedWithoutASet(t *testing.T) {
	t.Parallel()
	var set *metrics.Set
	set.Gateway(nil).Begin()
	set.Gateway(nil).End("", "stored", 0, 0)
	set.Gateway(nil).Refused("", "x")
	set.Intake().Became("", metrics.OutcomeEvent, true, true)
	set.Handling("", nil).Called("", metrics.OutcomeDone, 0, time.Now())
	set.Store().Holds("", 0, 0, 0)
	set.Store().Unprocessed(nil)
	if set.Registerer() != nil {
		t.Error("without a set there is something to register with")
	}
}

// BenchmarkRequest is what the metrics of an accepted request cost.
func BenchmarkRequest(b *testing.B) {
	gateway := metrics.New("v1").Gateway([]string{"green-api"})
	b.ReportAllocs()
	for b.Loop() {
		gateway.Begin()
		gateway.End("green-api", "stored", 20*time.Millisecond, 960)
	}
}

// BenchmarkEvent is what the metrics of an event cost the worker.
func BenchmarkEvent(b *testing.B) {
	set := metrics.New("v1")
	handling, intake := set.Handling("default", []string{"incomingCall"}), set.Intake()
	at := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		intake.Became("green-api", metrics.OutcomeEvent, false, false)
		handling.Called("incomingCall", metrics.OutcomeDone, time.Millisecond, at)
	}
}
