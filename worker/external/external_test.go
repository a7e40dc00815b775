package external_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/worker/external"
	"sluice.internal/worker/handler"
)

// event is one of a shop. Its body is no JSON, and has white space that must stay.
func event() notification.Event {
	return notification.Event{
		Origin: notification.Origin{
			Source: "shop", Provider: "green-api", ContentType: "text/plain", Body: []byte(" paid \n"),
			ReceivedAt: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC),
		},
		Identity: notification.Identity{Type: "orderPaid", Instance: "1101000001", Key: "key-1", OrderKey: "7900@c.us\nX: y"},
		Sequence: 42, Attempt: 2, Replayed: true,
		Faults: []notification.Fault{{Pointer: "/a", Message: "is missing"}},
	}
}

// call hands the event to a handler that is configured so, and returns its verdict.
func call(ctx context.Context, t *testing.T, configured config.Handler) error {
	t.Helper()
	return callWith(ctx, t, configured, string(event().Body))
}

// callWith is call with another body.
func callWith(ctx context.Context, t *testing.T, configured config.Handler, body string) error {
	t.Helper()
	configured.Type, configured.Provider = "orderPaid", "green-api"
	registry, err := external.Registry(map[string]config.Handler{"orderPaid": configured},
		[]string{"PATH=" + os.Getenv("PATH"), "SLUICE_NATS_PASSWORD=secret"}, 4)
	if err != nil {
		t.Fatal(err)
	}
	one := event()
	one.Body = []byte(body)
	handled, err := registry.Handle(ctx, one, handler.Tools{Group: "default"})
	if !handled {
		t.Fatal("there is no handler")
	}
	return err
}

// verdict is an error in a word.
func verdict(err error) string {
	if err == nil {
		return "handled"
	}
	if errors.Is(err, handler.ErrPermanent) {
		return "permanent"
	}
	if delay, ok := handler.RetryDelay(err); ok {
		return "after " + delay.String()
	}
	return "again"
}

func TestEventIsPostedAsItCameAndSigned(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	key := []byte("0123456789abcdef0123456789abcdef")
	secret := config.NewSecret("whsec_" + base64.StdEncoding.EncodeToString(key))
	if err := call(t.Context(), t, config.Handler{URL: server.URL + "/hook?a=b", Secret: secret}); err != nil {
		t.Fatal(err)
	}
	if got.Method != http.MethodPost || got.URL.String() != "/hook?a=b" || string(body) != " paid \n" {
		t.Errorf("%s %s %q", got.Method, got.URL, body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/plain", "Webhook-Id": "key-1", "Sluice-Key": "key-1", "Sluice-Type": "orderPaid", "Sluice-Source": "shop",
		"Sluice-Provider": "green-api", "Sluice-Instance": "1101000001", "Sluice-Order-Key": "7900@c.usX: y", "Sluice-Attempt": "2",
		"Sluice-Sequence": "42", "Sluice-Replayed": "true", "Sluice-Outdated": "", "Sluice-Group": "default",
		"Sluice-Received-At": "2026-03-01T12:00:00.000000005Z", "Sluice-Sent-At": "", "Sluice-Faults": "/a is missing",
	} {
		if value := got.Header.Get(name); value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
	// Computed as the standard says it, and not by the code that signs.
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("key-1." + got.Header.Get("Webhook-Timestamp") + ". paid \n"))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); got.Header.Get("Webhook-Signature") != want {
		t.Errorf("signature %q, want %q", got.Header.Get("Webhook-Signature"), want)
	}
}

func TestAnswerIsTheVerdict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status     int
		retryAfter string
		body       string
		want, text string
	}{
		"ok":                       {200, "", "fine", "handled", ""},
		"accepted":                 {202, "", "", "handled", ""},
		"bad request":              {400, "", "\n  no such order\nmore", "permanent", "answered 400: no such order"},
		"gone":                     {410, "10", "", "permanent", "answered 410"},
		"timeout":                  {408, "", "", "again", "answered 408"},
		"too early":                {425, "", "", "again", "answered 425"},
		"too many":                 {429, "7", "", "after 7s", "answered 429"},
		"too many, without a time": {429, "soon", "", "again", "answered 429"},
		"too many, for ever":       {429, "2000000000", "", "after 24h0m0s", "answered 429"},
		"closed, since long":       {503, "Mon, 02 Jan 2006 15:04:05 GMT", "", "after 0s", "answered 503"},
		"broken":                   {500, "", strings.Repeat("x", 1<<20), "again", "answered 500: xxx"},
		"elsewhere":                {302, "", "", "again", "set url to where it leads"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			err := call(t.Context(), t, config.Handler{URL: server.URL})
			if got := verdict(err); got != c.want {
				t.Errorf("verdict %s, want %s (%v)", got, c.want, err)
			}
			if err != nil && (!strings.Contains(err.Error(), c.text) || len(err.Error()) > 500) {
				t.Errorf("error %v, want %q in it", err, c.text)
			}
		})
	}
}

func TestProgramThatDoesNotAnswerIsATryAndItsAddressIsNotTold(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	err := call(t.Context(), t, config.Handler{URL: server.URL + "/secret-path"})
	if verdict(err) != "again" || strings.Contains(err.Error(), "secret-path") {
		t.Errorf("error %v", err)
	}
}

func TestProgramThatNeverAnswersEndsWithItsTime(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := call(ctx, t, config.Handler{URL: server.URL}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// script writes a shell script and returns a handler that runs it.
func script(t *testing.T, text string) config.Handler {
	t.Helper()
	file := filepath.Join(t.TempDir(), "handler.sh")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Handler{Exec: []string{"sh", file}}
}

func TestCommandGetsBodyAndWhatIsKnown(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	err := call(t.Context(), t, script(t, `{ cat; env; } > `+out))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{" paid \n", "EVENT_KEY=key-1\n", "EVENT_ORDER_KEY=7900@c.usX: y\n", "EVENT_CONTENT_TYPE=text/plain\n", "EVENT_ATTEMPT=2\n", "PATH="} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	if strings.Contains(string(text), "SLUICE_") {
		t.Errorf("it has the worker's secrets: %s", text)
	}
}

func TestExitCodeIsTheVerdict(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"exit 0":                               {"handled", ""},
		"echo no such order >&2; exit 65":      {"permanent", "exit status 65: no such order"},
		"echo fine; echo closed >&2; exit 1":   {"again", "exit status 1: closed"},
		"exit 75":                              {"again", "exit status 75"},
		"kill -9 $$":                           {"again", "killed"},
		"yes | head -c 1000000; exit 3":        {"again", "exit status 3: y"},
		"exec 0<&-; exit 0":                    {"handled", ""}, // It does not read its input.
		"printf '\\033[31mred\\a' >&2; exit 1": {"again", "exit status 1: [31mred"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			err := call(t.Context(), t, script(t, text))
			if got := verdict(err); got != want[0] || err != nil && !strings.HasSuffix(err.Error(), want[1]) {
				t.Errorf("verdict %s, error %v, want %q", got, err, want)
			}
		})
	}
}

func TestCommandThatDoesNotEndIsEndedWithAllThatItStarted(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil && pidIn(out) == "" {
			time.Sleep(time.Millisecond)
		}
		cancel() // The handler's time is over.
	}()
	err := call(ctx, t, script(t, `sleep 1000 & echo $! > `+out+`; wait`))
	if !errors.Is(err, context.Canceled) || verdict(err) != "again" {
		t.Errorf("error %v", err)
	}
	awaitEnd(t, pidIn(out))
}

func TestWhatACommandLeavesBehindEndsWithIt(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "pid")
	if err := call(t.Context(), t, script(t, `sleep 1000 >/dev/null 2>&1 & echo $! > `+out)); err != nil {
		t.Fatal(err)
	}
	awaitEnd(t, pidIn(out))
}

// pidIn returns the number in a file that a script wrote in one piece, empty while there is none.
func pidIn(file string) string {
	text, _ := os.ReadFile(file)
	if !strings.HasSuffix(string(text), "\n") {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// awaitEnd waits until no process has the number, or it is one that nobody has waited for.
func awaitEnd(t *testing.T, pid string) {
	t.Helper()
	if pid == "" {
		t.Fatal("the script wrote no number")
	}
	for t.Context().Err() == nil {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		select {
		case <-t.Context().Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestMemoryOfACommandIsBounded(t *testing.T) {
	t.Parallel()
	greedy := script(t, `exec awk 'BEGIN { s = "x"; while (length(s) < 400000000) s = s s; exit 0 }'`)
	greedy.Memory = 100 << 20
	if err := call(t.Context(), t, greedy); verdict(err) != "again" {
		t.Errorf("it had 400 MB: %v", err)
	}
}

func TestHandlerThatCanNotWorkIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	for want, configured := range map[string]config.Handler{
		"executable file not found": {Exec: []string{"no-such-command-anywhere"}},
	} {
		configured.Type, configured.Provider = "orderPaid", "green-api"
		if _, err := external.Registry(map[string]config.Handler{"paid": configured}, nil, 1); err == nil ||
			!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "handlers.paid") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestHandlerMayHaveATimeOfItsOwn(t *testing.T) {
	t.Parallel()
	registry, err := external.Registry(map[string]config.Handler{
		"paid": {Type: "orderPaid", Provider: "shop", URL: "http://localhost/", Timeout: time.Hour},
	}, nil, 1)
	if err != nil || registry.Timeout("shop", "orderPaid") != time.Hour {
		t.Errorf("error %v", err)
	}
}
