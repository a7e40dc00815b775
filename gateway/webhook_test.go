package gateway_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
)

const incoming = `{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":7103000000},"idMessage":"A1"}`

func TestWhatIsAuthenticatedIsStoredAsItCame(t *testing.T) {
	t.Parallel()
	random := make([]byte, 100_000)
	_, _ = rand.Read(random)
	for sentence, body := range map[string][]byte{
		"a notification":           []byte(incoming),
		"a broken one":             []byte(incoming[:40]),
		"an empty body":            {},
		"no JSON at all":           []byte("<xml/>"),
		"text that is not UTF-8":   []byte("{\"text\":\"\xff\xfe\"}"),
		"random bytes":             random,
		"white space":              []byte(" \r\n\t"),
		"a body with a null byte":  []byte("{\"a\":\"\x00\"}"),
		"a deeply nested document": bytes.Repeat([]byte("["), 1<<20),
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			store := newMemory()
			start(t, greenAPI(), store).post(t, body).want(t, http.StatusOK)
			if stored := store.only(t); !bytes.Equal(stored.Body, body) {
				t.Errorf("stored %d other bytes", len(stored.Body))
			}
		})
	}
}

func TestNotificationSaysWhereItCameFrom(t *testing.T) {
	t.Parallel()
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	store, began := newMemory(), time.Now()
	answer := start(t, greenAPI(), store).post(t, []byte(incoming),
		header("Content-Type", "application/json; charset=utf-8"), header("Traceparent", parent),
		header("Sluice-Request-Id", "forged"), header("X-Request-Id", "forged")).want(t, http.StatusOK)

	got := *store.only(t)
	if got.ReceivedAt.Before(began) || got.ReceivedAt.After(time.Now()) || got.ReceivedAt.Location() != time.UTC {
		t.Errorf("received at %s", got.ReceivedAt)
	}
	if got.RequestID == "" || got.RequestID == "forged" || got.RequestID != answer.Header.Get("Sluice-Request-Id") {
		t.Errorf("request id is %q, the answer's %q", got.RequestID, answer.Header.Get("Sluice-Request-Id"))
	}
	got.ReceivedAt, got.RequestID = time.Time{}, ""
	want := notification.Notification{
		Origin: notification.Origin{
			Source: "green-api", Provider: "green-api",
			ContentType: "application/json; charset=utf-8", RemoteAddress: "127.0.0.1", TraceParent: parent,
			Body: []byte(incoming),
		},
		Type: "incomingMessageReceived", Instance: "7103000000",
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("stored\n%+v, want\n%+v", got, want)
	}
}

func TestOnlyAValidTraceParentIsHandedOn(t *testing.T) {
	t.Parallel()
	const valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
	store := newMemory()
	running := start(t, greenAPI(), store)
	for sentence, values := range map[string][]string{
		"none":              nil,
		"empty":             {""},
		"two":               {valid, valid},
		"another version":   {"01" + valid[2:]},
		"upper case":        {strings.ToUpper(valid)},
		"no trace":          {"00-00000000000000000000000000000000-00f067aa0ba902b7-00"},
		"no parent":         {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-00"},
		"too long":          {valid + "-00"},
		"no hexadecimal":    {strings.Replace(valid, "4", "g", 1)},
		"dashes elsewhere":  {"00-4bf92f3577b34da6a3ce929d0e0e47-3600f067aa0ba902b7-00"},
		"something else":    {"hello"},
		"a line of dashes":  {strings.Repeat("-", 55)},
		"a very long value": {strings.Repeat("0-", 10_000)},
	} {
		running.post(t, nil, header("Traceparent", values...)).want(t, http.StatusOK)
		stored, _ := store.all()
		if got := stored[len(stored)-1].TraceParent; got != "" {
			t.Errorf("%s: handed on %q", sentence, got)
		}
	}
}

func TestAnswerCarriesTheReceipt(t *testing.T) {
	t.Parallel()
	running := start(t, greenAPI(), newMemory())
	for receipt := 1; receipt <= 3; receipt++ {
		answer := running.post(t, []byte(incoming)).want(t, http.StatusOK)
		if got := answer.Header.Get("Sluice-Receipt"); got != strconv.Itoa(receipt) {
			t.Errorf("receipt is %q, want %d", got, receipt)
		}
		if want := fmt.Sprintf(`{"status":"stored","receipt":%d}`, receipt); strings.TrimSpace(answer.body) != want {
			t.Errorf("answer is %s, want %s", answer.body, want)
		}
	}
}

func TestRequestIdsAreUnique(t *testing.T) {
	t.Parallel()
	running, seen := start(t, greenAPI(), newMemory()), map[string]bool{}
	for range 50 {
		id := running.post(t, nil, header("X-Request-Id", "same")).Header.Get("Sluice-Request-Id")
		if id == "" || seen[id] {
			t.Fatalf("request id %q came before", id)
		}
		seen[id] = true
	}
}

func TestSourceListensAtItsPath(t *testing.T) {
	t.Parallel()
	running := start(t, greenAPI(), newMemory())
	for path, status := range map[string]int{
		hookPath:                         http.StatusOK,
		hookPath + "/":                   http.StatusOK,
		hookPath + "?a=b&c=%zz":          http.StatusOK,
		hookPath + "/?token=x":           http.StatusOK,
		hookPath + "//":                  http.StatusOK,
		hookPath + "/more":               http.StatusNotFound,
		"/green-api":                     http.StatusNotFound,
		"/green-api/Webhook":             http.StatusNotFound,
		"/green%2Dapi/webhook":           http.StatusNotFound,
		"/green-api%2Fwebhook":           http.StatusNotFound,
		"//green-api/webhook":            http.StatusOK,
		"/green-api///webhook/":          http.StatusOK,
		"/":                              http.StatusNotFound,
		"/green-api/../green-api/webhoo": http.StatusNotFound,
	} {
		if got := running.do(t, http.MethodPost, path, nil); got.StatusCode != status {
			t.Errorf("POST %s is answered %d, want %d", path, got.StatusCode, status)
		}
	}
	running.do(t, http.MethodPost, "/nothing", nil).wantRefusal(t, http.StatusNotFound, "not_found")
}

func TestSourcesAreToldApartByPath(t *testing.T) {
	t.Parallel()
	settings := settingsOf(written("green-api", token), written("green-api", "token-of-root", func(from *config.Source) {
		from.Name, from.Path = "root", "/"
	}))
	store := newMemory()
	running := start(t, settings, store)
	running.do(t, http.MethodPost, "/", nil).wantRefusal(t, http.StatusUnauthorized, "unauthorized")
	running.do(t, http.MethodPost, "/", nil, header("Authorization", "token-of-root")).want(t, http.StatusOK)
	running.do(t, http.MethodPost, "/x", nil, header("Authorization", "token-of-root")).want(t, http.StatusNotFound)
	if got := store.only(t).Source; got != "root" {
		t.Errorf("stored for %q", got)
	}
}

func TestOnlyPostIsTaken(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, greenAPI(), store)
	for _, method := range []string{
		http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodHead,
		http.MethodTrace, "PROPFIND", "REPORT", "post", "BREW",
	} {
		for _, path := range []string{hookPath, hookPath + "/", hookPath + "?q"} {
			answer := running.do(t, method, path, nil).want(t, http.StatusMethodNotAllowed)
			if allow := answer.Header.Get("Allow"); allow != http.MethodPost {
				t.Errorf("%s %s allows %q, want POST", method, path, allow)
			}
			if method != http.MethodHead && answer.code(t) != "method_not_allowed" {
				t.Errorf("%s %s is answered %s", method, path, answer.body)
			}
		}
	}
	if stored, _ := store.all(); len(stored) > 0 {
		t.Errorf("%d notifications are stored", len(stored))
	}
}

func TestClientThatHangsUpDoesNotStopThePublish(t *testing.T) {
	t.Parallel()
	store, entered, leave := newMemory(), make(chan context.Context, 1), make(chan struct{})
	store.publish = func(ctx context.Context, _ *notification.Notification) error {
		entered <- ctx
		<-leave
		return ctx.Err()
	}
	running := start(t, greenAPI(), store)
	conn := running.dial(t)
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: 2\r\n\r\n{}", hookPath, token)
	ctx := <-entered
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	// Another request's whole life later the server has seen the end of the connection.
	running.do(t, http.MethodGet, "/healthz", nil).want(t, http.StatusOK)
	if ctx.Err() != nil {
		t.Errorf("the publish was stopped: %v", ctx.Err())
	}
	if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 30*time.Second {
		t.Errorf("the publish has %s left, want the source's 30 s at most", time.Until(deadline))
	}
	close(leave)
	running.log.await(t, "notification stored")
	store.only(t)
}

func TestPublishEndsAtTheSourcesDeadline(t *testing.T) {
	t.Parallel()
	store := newMemory()
	store.publish = func(ctx context.Context, _ *notification.Notification) error {
		<-ctx.Done()
		return fmt.Errorf("publish: %w", ctx.Err())
	}
	running := start(t, greenAPI(func(from *config.Source) { from.PublishDeadline = 10 * time.Millisecond }), store)
	running.post(t, nil).wantRefusal(t, http.StatusServiceUnavailable, "store_unavailable")
}

func TestNotificationCarriesTheClientsAddress(t *testing.T) {
	t.Parallel()
	settings := greenAPI()
	settings.TrustedProxies = parsed([]string{"127.0.0.0/8"})
	settings.ForwardedHeader = "Forwarded"
	store := newMemory()
	start(t, settings, store).post(t, nil, header("Forwarded", `for="[2001:db8::1]:99"`)).want(t, http.StatusOK)
	if got := store.only(t).RemoteAddress; got != "2001:db8::1" {
		t.Errorf("came from %q", got)
	}
}
