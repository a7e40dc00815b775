package bench_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice.internal/sluice/bench"
	"sluice.internal/sluice/bench/loadgen"
)

// brief is how long to send in tests.
const brief = 50 * time.Millisecond

// options are a short closed loop.
func options(url string) bench.LoadOptions {
	return bench.LoadOptions{URL: url, Token: "secret", Connections: 4, Duration: brief, Size: 960, Instances: 16}
}

// load sends without a look at the stream.
func load(t *testing.T, o bench.LoadOptions) *loadgen.Result {
	t.Helper()
	result, err := bench.Load(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

// receipts answers as a gateway does that stores everything.
func receipts() http.HandlerFunc {
	var last atomic.Uint64
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Sluice-Receipt", strconv.FormatUint(last.Add(1), 10))
		_, _ = io.WriteString(w, `{"status":"stored"}`)
	}
}

func TestClosedLoopSendsWholeRequestsOverConnectionsThatItKeeps(t *testing.T) {
	t.Parallel()
	var connections, wrong atomic.Int64
	answer := receipts()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) != 960 || r.Header.Get("Authorization") != "Bearer secret" || r.Method != http.MethodPost {
			wrong.Add(1)
		}
		answer(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	result := load(t, options(server.URL))
	if err := result.Err(); err != nil {
		t.Error(err)
	}
	if connections.Load() != 4 || wrong.Load() != 0 {
		t.Errorf("%d connections, %d wrong requests", connections.Load(), wrong.Load())
	}
	if result.Requests == 0 || result.Requests > result.Statuses[200] || result.Rate() <= 0 ||
		result.P50 <= 0 || !slices.IsSorted([]float64{result.P50, result.P90, result.P99, result.P999}) {
		t.Errorf("result %+v", result)
	}
}

func TestAnswersInChunksAreAnswers(t *testing.T) {
	t.Parallel()
	result := load(t, options(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Sluice-Receipt", "1")
		for range 3 {
			_, _ = io.WriteString(w, strings.Repeat("x", 1000))
			w.(http.Flusher).Flush()
		}
	})))
	if err := result.Err(); err != nil {
		t.Error(err)
	}
}

func TestRefusalsAreCountedByTheirStatus(t *testing.T) {
	t.Parallel()
	var count atomic.Int64
	stored := receipts()
	result := load(t, options(serve(t, func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		stored(w, r)
	})))
	if result.Statuses[503] == 0 || result.Statuses[200] == 0 || result.Requests > result.Statuses[200] {
		t.Errorf("result %+v", result)
	}
	wants(t, result, strconv.Itoa(result.Statuses[503])+" answers have status 503")
}

func TestOKWithoutAReceiptIsWrong(t *testing.T) {
	t.Parallel()
	result := load(t, options(serve(t, func(http.ResponseWriter, *http.Request) {})))
	if result.Requests != 0 || result.Statuses[0] == 0 {
		t.Errorf("result %+v", result)
	}
	wants(t, result, "have no receipt", "no request was answered 200")
}

func wants(t *testing.T, result *loadgen.Result, says ...string) {
	t.Helper()
	for _, text := range says {
		if err := result.Err(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want %q in it", err, text)
		}
	}
}

func TestWhoeverGivesNoAnswerIsCountedAndCalledAgain(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]string{
		"garbage":         "SSH-2.0-OpenSSH_9.6\r\n",
		"half an answer":  "HTTP/1.1 200 OK\r\nSluice-Receipt: 1\r\nContent-Length: 100\r\n\r\nhalf",
		"half a head":     "HTTP/1.1 200 OK\r\nSluice-",
		"no answer":       "",
		"no HTTP version": "OK\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			o := options("http://" + rude(t, reply, &calls))
			o.Connections = 1
			o.Duration = 20 * brief
			result := load(t, o)
			if result.Requests != 0 || result.Unanswered != int(calls.Load()) || result.Unanswered < 2 {
				t.Errorf("%d calls, result %+v", calls.Load(), result)
			}
			wants(t, result, "requests were not answered; the first: ")
		})
	}
}

// rude is a server that says the same to everybody and hangs up.
func rude(t *testing.T, reply string, calls *atomic.Int64) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			if request, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, request.Body)
			}
			_, _ = io.WriteString(conn, reply)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-ended
	})
	return listener.Addr().String()
}

func TestNobodyListensIsNoReasonToSpin(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	result := load(t, options("http://"+address))
	if result.Unanswered == 0 || result.Unanswered > 40 {
		t.Errorf("%d unanswered", result.Unanswered)
	}
	wants(t, result, "connect: ")
}

func TestOpenLoopCountsFromWhenARequestShouldHaveBegun(t *testing.T) {
	t.Parallel()
	const (
		slow     = 20 * time.Millisecond
		arrivals = 10
	)
	answer := receipts()
	o := options(serve(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(slow) // The server is slow, the test waits for its answers.
		answer(w, r)
	}))
	o.Connections, o.Rate, o.Duration = 1, 200, arrivals*5*time.Millisecond
	result := load(t, o)
	if err := result.Err(); err != nil {
		t.Error(err)
	}
	if result.Requests != arrivals {
		t.Errorf("%d requests, want %d however slow the server is", result.Requests, arrivals)
	}
	// The last one should have begun at 45 ms and could not end before 200 ms.
	if least := 155.0; result.P999 < least {
		t.Errorf("the last took %.1f ms, want %.1f at least", result.P999, least)
	}
	if result.Seconds < 0.2 {
		t.Errorf("%d answers in %.3f s, want 0.2 s at least", result.Requests, result.Seconds)
	}
}

func TestOpenLoopKeepsItsRate(t *testing.T) {
	t.Parallel()
	o := options(serve(t, receipts()))
	o.Rate, o.Duration = 500, 2*brief
	result := load(t, o)
	if err := result.Err(); err != nil {
		t.Error(err)
	}
	if result.Requests != 50 {
		t.Errorf("%d requests, want 50", result.Requests)
	}
}

func TestEndOfTheContextEndsALoadThatHangs(t *testing.T) {
	t.Parallel()
	hanging := make(chan struct{}, 1)
	o := options(serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // Before that it is not noticed that the client has gone.
		hanging <- struct{}{}
		<-r.Context().Done()
	}))
	o.Connections = 1
	ctx, cancel := contextOf(t)
	go func() {
		<-hanging
		cancel()
	}()
	if _, err := bench.Load(ctx, o, nil); err == nil {
		t.Error("no error")
	}
}

func TestOptionsThatCanNotBeMeantAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := bench.Load(t.Context(), bench.LoadOptions{URL: "http://x", Rate: -1, Size: -1}, nil)
	for _, want := range []string{"connections", "rate", "duration", "size", "instances"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}
