package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
)

const (
	token    = "correct-horse-battery-staple"
	oldToken = "old-token-during-rotation"
	hookPath = "/green-api/webhook"
	// waitTimeout is how long a test waits for what must come.
	waitTimeout = 2 * time.Minute
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a store in memory whose failures a test can choose.
type memory struct {
	// publish and reject are asked before anything is stored, where they are set.
	publish func(context.Context, *notification.Notification) error
	reject  func(context.Context, *notification.Rejection) error
	maxBody int64

	mu            sync.Mutex
	changed       chan struct{}
	notifications []*notification.Notification
	rejections    []*notification.Rejection
}

func newMemory() *memory { return &memory{changed: make(chan struct{}), maxBody: 64 << 20} }

func (m *memory) MaxBody() int64 { return m.maxBody }

func (m *memory) PublishNotification(ctx context.Context, n *notification.Notification) (uint64, error) {
	if m.publish != nil {
		if err := m.publish(ctx, n); err != nil {
			return 0, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := *n
	m.notifications = append(m.notifications, &kept)
	m.announce()
	return uint64(len(m.notifications)), nil
}

func (m *memory) PublishRejection(ctx context.Context, r *notification.Rejection) error {
	if m.reject != nil {
		if err := m.reject(ctx, r); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rejections = append(m.rejections, r)
	m.announce()
	return nil
}

func (m *memory) announce() {
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *memory) all() ([]*notification.Notification, []*notification.Rejection) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.notifications, m.rejections
}

// only returns the one notification that was stored.
func (m *memory) only(t *testing.T) *notification.Notification {
	t.Helper()
	stored, _ := m.all()
	if len(stored) != 1 {
		t.Fatalf("%d notifications are stored, want 1", len(stored))
	}
	return stored[0]
}

// awaitRejection waits for the first rejection.
func (m *memory) awaitRejection(t *testing.T) *notification.Rejection {
	t.Helper()
	deadline := time.After(waitTimeout)
	for {
		m.mu.Lock()
		kept, changed := m.rejections, m.changed
		m.mu.Unlock()
		if len(kept) > 0 {
			return kept[0]
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatal("no rejection was kept")
		}
	}
}

// blank is a body of a size in bytes, of which nothing but its first two is looked at: a document without anything in it.
func blank(size int) []byte { return append([]byte("{}"), bytes.Repeat([]byte(" "), size-2)...) }

// logbook keeps what is logged, for a test to read and to wait for.
type logbook struct {
	mu      sync.Mutex
	changed chan struct{}
	text    strings.Builder
}

func newLogbook() *logbook { return &logbook{changed: make(chan struct{})} }

func (l *logbook) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(line)
}

func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// lines returns the lines of at least the level that contain all the texts.
func (l *logbook) lines(t *testing.T, level slog.Level, texts ...string) []string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for line := range strings.Lines(l.text.String()) {
		var record struct{ Level slog.Level }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		if record.Level >= level && containsAll(line, texts) {
			found = append(found, line)
		}
	}
	return found
}

// await waits for a line that contains all the texts.
func (l *logbook) await(t *testing.T, texts ...string) string {
	t.Helper()
	deadline := time.After(waitTimeout)
	for {
		l.mu.Lock()
		changed := l.changed
		l.mu.Unlock()
		if lines := l.lines(t, slog.LevelDebug, texts...); len(lines) > 0 {
			return lines[0]
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("nobody logged %q", texts)
		}
	}
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// running is a gateway that serves.
type running struct {
	*gateway.Gateway

	log  *logbook
	stop func() error
}

// start runs a gateway until the test ends or stops it.
func start(t testing.TB, settings gateway.Settings, store gateway.Store) *running {
	t.Helper()
	book := newLogbook()
	g, err := gateway.New(settings, store, book.logger())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	r := &running{Gateway: g, log: book}
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = r.stop() })
	return r
}

func (r *running) url(path string) string { return "http://" + r.Address() + path }

// dial opens a connection that is closed when the test ends.
func (r *running) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", r.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(waitTimeout)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// greenAPI is the settings of a gateway with one source of GREEN-API, changed by the test.
func greenAPI(change ...func(*config.Source)) gateway.Settings {
	return settingsOf(written("green-api", token, change...))
}

// settingsOf are the defaults with the sources.
func settingsOf(sources ...config.Source) gateway.Settings {
	cfg := config.Default()
	cfg.Gateway.Listen = "127.0.0.1:0"
	return gateway.Settings{Gateway: cfg.Gateway, Sources: configured(sources...)}
}

// written is a source of a provider with one secret, as a configuration has it.
func written(provider, secret string, change ...func(*config.Source)) config.Source {
	from := config.Source{Name: provider, Provider: provider, Token: config.NewSecret(secret)}
	for _, apply := range change {
		apply(&from)
	}
	return from
}

// configured makes the sources and panics where they have faults.
func configured(sources ...config.Source) []*source.Configured {
	byName := map[string]config.Source{}
	for _, from := range sources {
		byName[from.Name] = from
	}
	all, err := source.Configure(byName)
	if err != nil {
		panic(err)
	}
	return all
}

func secrets(texts ...string) []config.Secret {
	var all []config.Secret
	for _, text := range texts {
		all = append(all, config.NewSecret(text))
	}
	return all
}

func allowing(prefixes ...string) func(*config.Source) {
	return func(from *config.Source) { from.Allow = prefixes }
}

func parsed(prefixes []string) []netip.Prefix {
	var all []netip.Prefix
	for _, prefix := range prefixes {
		all = append(all, netip.MustParsePrefix(prefix))
	}
	return all
}

// reply is an answer with its body read.
type reply struct {
	*http.Response

	body string
}

// code is the stable word in a refusal.
func (r reply) code(t *testing.T) string {
	t.Helper()
	var refusal struct{ Code, Message string }
	if err := json.Unmarshal([]byte(r.body), &refusal); err != nil {
		t.Fatalf("answer %q is no refusal: %v", r.body, err)
	}
	if refusal.Message == "" {
		t.Errorf("refusal %q says nothing", r.body)
	}
	return refusal.Code
}

// post sends a notification with the right token; change adjusts the request.
func (r *running) post(t testing.TB, body []byte, change ...func(*http.Request)) reply {
	t.Helper()
	return r.do(t, http.MethodPost, hookPath, bytes.NewReader(body), change...)
}

func (r *running) do(t testing.TB, method, path string, body io.Reader, change ...func(*http.Request)) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.url(path), body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	for _, apply := range change {
		apply(request)
	}
	answer, err := send(request)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// send sends a request over a connection of its own, so that no test finds another's.
func send(request *http.Request) (reply, error) {
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return reply{response, string(body)}, err
}

func header(name string, values ...string) func(*http.Request) {
	return func(request *http.Request) {
		request.Header.Del(name)
		for _, value := range values {
			request.Header.Add(name, value)
		}
	}
}

// want fails the test unless the answer has the status.
func (r reply) want(t *testing.T, status int) reply {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("answered %d %s, want %d", r.StatusCode, r.body, status)
	}
	return r
}

func (r reply) wantRefusal(t *testing.T, status int, code string) reply {
	t.Helper()
	r.want(t, status)
	if got := r.code(t); got != code {
		t.Fatalf("refused with %q, want %q", got, code)
	}
	if kind := r.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		t.Errorf("refusal is %q, want JSON", kind)
	}
	return r
}
