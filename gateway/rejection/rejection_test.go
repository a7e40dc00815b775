package rejection_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/gateway/rejection"
	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

const token = "correct-horse-battery-staple"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// configured is one source of GREEN-API.
func configured(t testing.TB) []*source.Configured {
	t.Helper()
	sources, err := source.Configure(map[string]config.Source{"green-api": {Token: config.NewSecret(token)}})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

// limited returns the same sources with a limit for their bodies, in bytes.
func limited(t testing.TB, limit int64) []*source.Configured {
	t.Helper()
	sources := configured(t)
	sources[0].BodyLimit = limit
	return sources
}

// memory keeps rejections.
type memory struct {
	mutex sync.Mutex
	kept  []*notification.Rejection
	err   error
}

func (m *memory) PublishRejection(_ context.Context, r *notification.Rejection) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.kept = append(m.kept, r)
	return m.err
}

// refused is a request with a body that was not read.
func refused(body string) rejection.Refused {
	return rejection.Refused{
		Source: "green-api", Request: httptest.NewRequest(http.MethodPost, "/green-api/webhook", strings.NewReader(body)),
		Client: netip.MustParseAddr("192.0.2.1"), At: time.Now().UTC(), RequestID: "R1",
		Code: "unauthorized", Cause: "unauthorized", Detail: "it does not prove where it comes from", Keep: true,
	}
}

// run runs a recorder until all that was recorded is written.
func run(r *rejection.Recorder) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.Run(ctx)
}

func TestRecordedRequestIsWrittenAfterTheAnswerWithItsCause(t *testing.T) {
	t.Parallel()
	store := &memory{}
	var log bytes.Buffer
	recorder := rejection.New(rejection.Settings{
		Store: store, Log: slog.New(slog.NewJSONHandler(&log, nil)), Sources: limited(t, 1000), Memory: 1 << 20,
	})
	one := refused("{}")
	one.Request.Header.Set("Authorization", "Bearer guessed")
	one.Unproven = &proof.Request{Method: http.MethodPost, Header: one.Request.Header, At: one.At}
	recorder.Record(one)
	if log.Len() > 0 {
		t.Errorf("it is logged before its cause is known: %s", &log)
	}
	run(recorder)
	if len(store.kept) != 1 {
		t.Fatalf("%d are kept", len(store.kept))
	}
	kept := store.kept[0]
	if kept.Cause != proof.CauseWrongToken || string(kept.Body) != "{}" || kept.Truncated || kept.RequestID != "R1" ||
		kept.RemoteAddress != "192.0.2.1" || kept.TokenDigests["Authorization"] == "" {
		t.Errorf("kept %+v", kept)
	}
	if !strings.Contains(log.String(), proof.CauseWrongToken) {
		t.Errorf("logged %s", &log)
	}
}

func TestBodyThatIsTooLargeToKeepIsCutOff(t *testing.T) {
	t.Parallel()
	store := &memory{}
	recorder := rejection.New(rejection.Settings{
		Store: store, Log: slog.New(slog.DiscardHandler), Sources: limited(t, 10), Memory: 1 << 20,
	})
	unread := refused(strings.Repeat("x", 100))
	unread.Request.ContentLength = -1
	half := refused("")
	half.Body, half.BodyBegun = []byte("half"), true
	waiting := refused("never sent")
	waiting.Request.Header.Set("Expect", "100-continue")
	for _, one := range []rejection.Refused{unread, half, waiting} {
		recorder.Record(one)
	}
	run(recorder)
	for i, want := range []string{"xxxxxxxxxx", "half", ""} {
		if got := store.kept[i]; string(got.Body) != want || !got.Truncated {
			t.Errorf("kept %q, truncated %t, want the beginning %q", got.Body, got.Truncated, want)
		}
	}
}

func TestOneMebibyteIsKeptOfAStrangersBodyAndAllOfAKnownSenders(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	store := &memory{}
	recorder := rejection.New(rejection.Settings{
		Store: store, Log: slog.New(slog.DiscardHandler), Sources: limited(t, 8<<20), Memory: 64 << 20,
	})
	read := func() rejection.Refused {
		one := refused("")
		one.Body, one.BodyBegun, one.BodyComplete = make([]byte, size), true, true
		return one
	}
	known, unread := read(), refused(strings.Repeat("x", size))
	known.Client = netip.MustParseAddr("192.0.2.99")
	recorder.NoteSender(known.Source, known.Client)
	unread.Request.ContentLength = -1
	for _, one := range []rejection.Refused{read(), unread, known} {
		recorder.Record(one)
	}
	run(recorder)
	for i, want := range []int{1 << 20, 1 << 20, size} {
		if got := store.kept[i]; len(got.Body) != want || cap(got.Body) > want+1 || got.Truncated != (want < size) {
			t.Errorf("%d: %d bytes are kept in %d, truncated %t", i, len(got.Body), cap(got.Body), got.Truncated)
		}
	}
}

func TestBodiesOfRejectionsAreBoundedTogether(t *testing.T) {
	t.Parallel()
	store := &memory{}
	recorder := rejection.New(rejection.Settings{
		Store: store, Log: slog.New(slog.DiscardHandler), Sources: limited(t, 8<<20), Memory: 1 << 20,
	})
	for range 10 {
		one := refused("")
		one.Body, one.BodyBegun, one.BodyComplete = make([]byte, 100<<10, 200<<10), true, true
		one.Unproven = &proof.Request{Method: http.MethodPost, Header: one.Request.Header, Body: one.Body, At: one.At}
		recorder.Record(one)
	}
	announced := refused("x") // It holds nothing of what it says, so that the next one is kept whole all the same.
	announced.Request.ContentLength = 1 << 20
	recorder.Record(announced)
	run(recorder)
	kept, whole := 0, 0
	for _, one := range store.kept {
		kept += cap(one.Body)
		if len(one.Body) == 100<<10 {
			whole++
		}
	}
	// Half of the memory is theirs: two as they are, one more as a copy, and of the others a little.
	if whole != 3 || kept > 1<<20 {
		t.Errorf("%d are kept whole, in %d bytes", whole, kept)
	}
}

func TestRejectionsThatTheStoreDoesNotTakeAreLoggedOnceAndCounted(t *testing.T) {
	t.Parallel()
	store := &memory{err: errors.New("no room for " + token)}
	var log bytes.Buffer
	recorder := rejection.New(rejection.Settings{
		Store: store, Log: slog.New(slog.NewJSONHandler(&log, nil)), Sources: limited(t, 10), Memory: 1 << 20,
	})
	for range 5 {
		one := refused("")
		one.Quiet = true
		recorder.Record(one)
	}
	run(recorder)
	if lines := strings.Count(log.String(), "\n"); lines != 2 || !strings.Contains(log.String(), `"times":5`) {
		t.Errorf("logged %s", &log)
	}
	if strings.Contains(log.String(), token) {
		t.Errorf("a secret is logged: %s", &log)
	}
}

func TestSpikeIsWhatIsMoreThanUsual(t *testing.T) {
	t.Parallel()
	var counts rejection.Spike
	minute := func(refused int) string {
		for range refused {
			counts.Add()
		}
		counts.Note(proof.CauseWrongSecret, "made with none of the secrets")
		return counts.Tick()
	}
	for range 120 {
		if told := minute(2); told != "" {
			t.Fatalf("the usual is told: %s", told)
		}
	}
	if told := minute(30); told != "" {
		t.Errorf("a few more are told: %s", told)
	}
	told := minute(100)
	for _, part := range []string{"136 in 5 minutes", "usually 9", proof.CauseWrongSecret, "made with none"} {
		if !strings.Contains(told, part) {
			t.Errorf("told %q, want %q in it", told, part)
		}
	}
	for range 24 * 60 {
		minute(100)
	}
	if told := minute(100); told != "" {
		t.Errorf("what goes on for a day is still unusual: %s", told)
	}
}

func TestOperatorIsToldOfASpike(t *testing.T) {
	t.Parallel()
	for _, alerting := range []bool{true, false} {
		var (
			alerts []notification.Alert
			log    bytes.Buffer
		)
		settings := rejection.Settings{
			Store: &memory{}, Log: slog.New(slog.NewJSONHandler(&log, nil)), Sources: limited(t, 10), Memory: 1 << 20,
		}
		if alerting {
			settings.Alert = func(alert notification.Alert) { alerts = append(alerts, alert) }
		}
		recorder := rejection.New(settings)
		for range 60 {
			one := refused("")
			one.Keep = !recorder.Limit(one.Source, one.Cause, one.Client, false)
			recorder.Record(one)
		}
		recorder.AlertSpikes()
		if !alerting {
			if strings.Count(log.String(), "alert: many requests") != 1 {
				t.Errorf("without alerts the log has %s", &log)
			}
			continue
		}
		if len(alerts) != 1 || alerts[0].Source != "green-api" || !strings.Contains(alerts[0].Detail, "60 in 5 minutes") ||
			!strings.Contains(alerts[0].Detail, "unauthorized, it does not prove") {
			t.Errorf("alerts %+v", alerts)
		}
	}
}

func TestAddressIsLimitedByWhatItDoesNotProve(t *testing.T) {
	t.Parallel()
	recorder := rejection.New(rejection.Settings{
		Store: &memory{}, Log: slog.New(slog.DiscardHandler), Sources: limited(t, 10), Memory: 1 << 20,
	})
	address := netip.MustParseAddr("2001:db8::1")
	limited := false
	for range 300 {
		limited = limited || recorder.Limit("green-api", "unauthorized", address, false)
	}
	if !limited {
		t.Error("300 failures at once are not too many")
	}
	if !recorder.Limit("green-api", "unauthorized", netip.MustParseAddr("2001:db8::2"), false) {
		t.Error("another address of the same network is not limited")
	}
	if recorder.Limit("green-api", "unauthorized", netip.MustParseAddr("192.0.2.1"), false) {
		t.Error("another network is limited")
	}
	if recorder.Limit("green-api", "body-too-large", address, true) {
		t.Error("an authenticated request is limited")
	}
}

func FuzzKeptHeader(f *testing.F) {
	f.Add("Authorization", "Bearer "+token, "X-Other", token)
	f.Add("Referer", "https://a/?"+token, strings.Repeat("é", 100), strings.Repeat("<", 2000))
	sources := configured(f)
	f.Fuzz(func(t *testing.T, name, value, otherName, otherValue string) {
		request := &http.Request{Host: value, Header: http.Header{name: {value, otherValue}, otherName: {token + value}}}
		document, err := json.Marshal(rejection.Redact(request, sources))
		if err != nil || len(document) > 16<<10 {
			t.Errorf("%d bytes are kept (%v)", len(document), err)
		}
		if strings.Contains(value+otherValue+name+otherName, "correct") {
			return // Then parts of the token may come together anew.
		}
		if bytes.Contains(document, []byte(token)) {
			t.Errorf("the token is kept: %s", document)
		}
	})
}
