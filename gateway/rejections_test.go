package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.internal/gateway"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

func TestRefusedRequestIsKeptWithItsCause(t *testing.T) {
	t.Parallel()
	var (
		settings  = limited()
		elsewhere = greenAPI(allowing("192.0.2.0/24"))
		large     = strings.Repeat("x", smallLimit+1)
	)
	for sentence, test := range map[string]struct {
		settings     gateway.Settings
		method, body string
		change       func(*http.Request)
		status       int
		cause        string
	}{
		"no token":           {settings, "POST", "a", header("Authorization"), 401, "missing-token"},
		"a wrong token":      {settings, "POST", "b", header("Authorization", "wrong"), 401, "wrong-token"},
		"a wrong address":    {elsewhere, "POST", "c", header("X-A", "b"), 403, "address-not-allowed"},
		"a wrong method":     {settings, "PUT", "d", header("X-A", "b"), 405, "method-not-allowed"},
		"too much":           {settings, "POST", large, header("X-A", "b"), 413, "body-too-large"},
		"too much, unpacked": {settings, "POST", string(packed(large)), header("Content-Encoding", "gzip"), 413, "body-too-large"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			store, began := newMemory(), time.Now()
			running := start(t, test.settings, store)
			answer := running.do(t, test.method, hookPath+"/?q=1", strings.NewReader(test.body), test.change,
				header("Content-Type", "text/plain")).want(t, test.status)
			kept := store.awaitRejection(t)
			if kept.Cause != test.cause || kept.Detail == "" || string(kept.Body) != test.body || kept.Truncated {
				t.Errorf("kept %+v", kept)
			}
			if kept.Source != "green-api" || kept.Method != test.method || kept.Path != hookPath+"/" ||
				kept.RemoteAddress != "127.0.0.1" || kept.ContentType != "text/plain" ||
				kept.RequestID != answer.Header.Get("Sluice-Request-Id") || kept.ReceivedAt.Before(began) {
				t.Errorf("kept %+v", kept)
			}
		})
	}
}

func TestBrokenBodyIsKeptAsFarAsItCame(t *testing.T) {
	t.Parallel()
	store := newMemory()
	conn := start(t, greenAPI(), store).dial(t)
	ask(t, conn, "Content-Length: 10")
	_, _ = io.WriteString(conn, "hello")
	closeWrite(t, conn)
	readAnswer(t, conn).want(t, http.StatusBadRequest)
	if kept := store.awaitRejection(t); kept.Cause != "bad-request" || string(kept.Body) != "hello" || !kept.Truncated {
		t.Errorf("kept %+v", kept)
	}
}

func TestWhatIsNobodysFaultIsNotKept(t *testing.T) {
	t.Parallel()
	store := newMemory()
	store.publish = func(context.Context, *notification.Notification) error { return stream.ErrFull }
	running := start(t, greenAPI(), store)
	running.post(t, nil).want(t, http.StatusServiceUnavailable)
	running.do(t, http.MethodPost, "/healthz", nil).want(t, http.StatusMethodNotAllowed)
	if err := running.stop(); err != nil {
		t.Fatal(err)
	}
	if _, kept := store.all(); len(kept) > 0 {
		t.Errorf("kept %+v", kept[0])
	}
}

func TestKeptBodyIsBounded(t *testing.T) {
	t.Parallel()
	const most = 300 << 10
	for _, size := range []int{most, most + 1, 3 << 20} {
		for _, authorization := range []string{"wrong", token} { // Refused for the token, or for the size.
			store, settings := newMemory(), greenAPI()
			settings.BodyLimit = most
			body := bytes.Repeat([]byte("x"), size)
			running := start(t, settings, store)
			answer := running.do(t, http.MethodPost, hookPath, unsized{bytes.NewReader(body)}, header("Authorization", authorization))
			if answer.StatusCode == http.StatusOK {
				continue
			}
			kept := store.awaitRejection(t)
			want := most
			if authorization == token {
				want = 64 << 10 // It can't be accepted later.
			}
			if len(kept.Body) != want || kept.Truncated != (size > most) {
				t.Errorf("of %d bytes %d are kept, truncated %t", size, len(kept.Body), kept.Truncated)
			}
		}
	}
}

func TestKeptHeaderHasNoSecrets(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, greenAPI(allowing("192.0.2.0/24")), store)
	running.post(t, nil,
		header("Proxy-Authorization", "Basic dXNlcjpwYXNz"), header("Cookie", "session=123456"),
		header("X-Hub-Signature-256", "sha256=abc"), header("X-Api-Key", "k-1", "k-22"), header("X-My-Token", ""),
		header("X-Password", "p"), header("X-Client-Secret", "s"), header("X-Other", "contains "+token+" too"),
		header("Content-Type", token), header("Referer", "https://a.example/b?token=zzz"), header("User-Agent", "axios/1.7"),
	).want(t, http.StatusForbidden)
	got := store.awaitRejection(t)
	for name, want := range map[string]string{
		"Authorization":       "Bearer [redacted, 28 characters]",
		"Proxy-Authorization": "Basic [redacted, 12 characters]",
		"Cookie":              "[redacted, 14 characters]",
		"X-Hub-Signature-256": "[redacted, 10 characters]",
		"X-Api-Key":           "[redacted, 3 characters],[redacted, 4 characters]",
		"X-My-Token":          "[redacted, 0 characters]",
		"X-Password":          "[redacted, 1 characters]",
		"X-Client-Secret":     "[redacted, 1 characters]",
		"X-Other":             "contains [redacted] too",
		"Content-Type":        "[redacted]",
		"Referer":             "https://a.example/b?[redacted]",
		"User-Agent":          "axios/1.7",
		"Host":                running.Address(),
	} {
		if got := strings.Join(got.Header[name], ","); got != want {
			t.Errorf("%s is kept as %q, want %q", name, got, want)
		}
	}
	if document, _ := json.Marshal(got); bytes.Contains(document, []byte(token)) {
		t.Errorf("the token is kept: %s", document)
	}
}

func TestSecretsInUnusualHeadersAreHidden(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, greenAPI(), store)
	var changes []func(*http.Request)
	secretNames := []string{"X-Pwd", "X-Otp", "X-Webhook-Code", "X-Pin", "X-Pass", "X_Sid", "X-Bearer", "X-Verify.Code", "X-Jwt"}
	openNames := []string{"X-Decoder", "X-Shipping", "X-Compass", "X-Topic"}
	for _, name := range slices.Concat(secretNames, openNames) {
		changes = append(changes, header(name, "sesame-42"))
	}
	running.post(t, nil, append(changes, header("Authorization", "wrong"))...).want(t, http.StatusUnauthorized)
	kept := store.awaitRejection(t)
	for _, name := range secretNames {
		if got := kept.Header[http.CanonicalHeaderKey(name)]; len(got) != 1 || strings.Contains(got[0], "sesame") {
			t.Errorf("%s is kept as %q", name, got)
		}
	}
	for _, name := range openNames {
		if got := kept.Header[http.CanonicalHeaderKey(name)]; len(got) != 1 || got[0] != "sesame-42" {
			t.Errorf("%s is kept as %q", name, got)
		}
	}
	// A digest takes processor time, so that there is one for the header that the source reads and one more.
	if len(kept.TokenDigests) != 2 || kept.TokenDigests["Authorization"] == "" {
		t.Errorf("there are digests of %v", slices.Collect(maps.Keys(kept.TokenDigests)))
	}
}

func TestKeptHeaderIsBounded(t *testing.T) {
	t.Parallel()
	store := newMemory()
	changes := []func(*http.Request){header("Authorization", "wrong"), header("User-Agent", "axios")}
	for i := range 100 {
		changes = append(changes, header("X-"+strconv.Itoa(i), strings.Repeat("<\"é", 20)))
	}
	changes = append(changes, header("X-Long", strings.Repeat("é", 700)), header("X-"+strings.Repeat("n", 500), "x"))
	start(t, greenAPI(), store).post(t, nil, changes...).want(t, http.StatusUnauthorized)
	kept := store.awaitRejection(t).Header
	document, err := json.Marshal(kept)
	if err != nil || len(document) > 16<<10 {
		t.Errorf("%d bytes are kept, the store takes 16 KiB (%v)", len(document), err)
	}
	if len(kept["Sluice-Omitted"]) != 1 || len(kept["Authorization"]) != 1 {
		t.Errorf("kept %s", document)
	}
}

func TestFloodOfRefusedRequestsIsBoundedAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	const bad, good = 4_000, 60
	store := newMemory()
	running := start(t, greenAPI(), store)
	handler, began := running.Handler(), time.Now()
	var flood sync.WaitGroup
	for range 4 {
		flood.Go(func() {
			for range bad / 4 {
				status := handle(handler, "wrong", []byte(incoming))
				if status != http.StatusUnauthorized && status != http.StatusTooManyRequests {
					t.Errorf("a bad request is answered %d", status)
				}
			}
		})
	}
	for range good {
		running.post(t, []byte(incoming)).want(t, http.StatusOK)
	}
	flood.Wait()
	running.do(t, http.MethodPost, hookPath, unsized{io.LimitReader(zeros{}, 9<<20)}).want(t, http.StatusRequestEntityTooLarge)
	if err := running.stop(); err != nil {
		t.Fatal(err)
	}
	stored, kept := store.all()
	if len(stored) != good {
		t.Errorf("%d of %d good requests are stored", len(stored), good)
	}
	whole, skipped := summedUp(kept)
	if most := 100 + 20*int(time.Since(began).Seconds()+1) + 1; whole > most || whole < 50 {
		t.Errorf("%d rejections are kept, want at most %d", whole, most)
	}
	if whole+skipped != bad+1 {
		t.Errorf("%d are kept and %d counted, want %d together", whole, skipped, bad+1)
	}
	if !slices.ContainsFunc(kept, func(r *notification.Rejection) bool { return r.Cause == "body-too-large" }) {
		t.Error("the flood hid a known sender's rejection")
	}
	wantCounted(t, running.log, "rejections are not kept", skipped)
	wantCounted(t, running.log, "request refused", bad+1)
}

// summedUp counts rejections that are kept and those that are only counted.
func summedUp(kept []*notification.Rejection) (whole, skipped int) {
	for _, rejection := range kept {
		if rejection.Skipped > 0 {
			skipped += int(rejection.Skipped)
		} else {
			whole++
		}
	}
	return whole, skipped
}

// wantCounted adds up the lines of an event, which must be few, and how many times they stand for.
func wantCounted(t *testing.T, log *logbook, message string, want int) {
	t.Helper()
	lines, times := log.lines(t, slog.LevelWarn, message), 0
	for _, line := range lines {
		record := struct{ Times int }{Times: 1}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		times += record.Times
	}
	if times != want || len(lines) > 10 {
		t.Errorf("%q stands in %d lines for %d times, want %d", message, len(lines), times, want)
	}
}

func TestStoreThatTakesNoRejectionsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for sentence, reject := range map[string]func(context.Context) error{
		"it fails":  func(context.Context) error { return errors.New("no room") },
		"it panics": func(context.Context) error { panic("no room") },
		"it hangs until it is told to stop": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			store := newMemory()
			store.reject = func(ctx context.Context, _ *notification.Rejection) error { return reject(ctx) }
			running := start(t, greenAPI(), store)
			for range 150 {
				running.post(t, nil, header("Authorization")).want(t, http.StatusUnauthorized) // A digest of a token takes long.
			}
			running.post(t, nil).want(t, http.StatusOK)
			running.log.await(t, "rejections are not kept")
		})
	}
}
