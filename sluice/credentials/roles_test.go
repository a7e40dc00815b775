package credentials_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/credentials"
	"sluice.internal/worker"
)

const patience = 20 * time.Second

// shipped runs NATS with a configuration from the folder nats, on a port and files of its own.
func shipped(t *testing.T, name string, replace ...string) (url string, folder credentials.Folder) {
	t.Helper()
	folder = made(t)
	dir := copied(t, folder, append([]string{
		`"0.0.0.0:4222"`, `"127.0.0.1:-1"`, `http: "0.0.0.0:8222"`, "", `$SLUICE_STORE_DIR`, `"` + t.TempDir() + `"`,
	}, replace...)...)
	t.Setenv("SLUICE_NODE", "test")
	t.Setenv("SLUICE_STORE", "50GB")
	options, err := server.ProcessConfigFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	options.NoSigs, options.NoLog = true, true
	running, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	running.Start()
	t.Cleanup(func() { running.Shutdown(); running.WaitForShutdown() })
	if !running.ReadyForConnections(patience) {
		t.Fatal("the server did not start")
	}
	return running.ClientURL(), folder
}

// copied copies the configurations with some texts replaced, and the keys beside them.
func copied(t *testing.T, folder credentials.Folder, replace ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	files, err := filepath.Glob("../../nats/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, error %v", files, err)
	}
	for _, file := range files {
		text := strings.NewReplacer(replace...).Replace(content(t, file))
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Dir(folder.Keys()), filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// journal is a log that tests look into.
type journal struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.String()
}

func connected(t *testing.T, url string, folder credentials.Folder, role, name string, log *slog.Logger) *nats.Conn {
	t.Helper()
	conn, err := stream.Connect(stream.Access{URL: url, NKeyFile: folder.Seed(role)}, name, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func opened(t *testing.T, conn *nats.Conn, settings stream.Settings, log *slog.Logger) *stream.Streams {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	streams, err := stream.Open(ctx, conn, settings, log)
	if err != nil {
		t.Fatal(err)
	}
	return streams
}

// A server that refuses something tells the client, which logs it.
func TestEveryRoleMayDoWhatItsProgramDoes(t *testing.T) { //nolint:paralleltest // The configuration reads variables.
	url, folder := shipped(t, "nats.conf")
	said := &journal{}
	log := slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelWarn}))
	inner := opened(t, connected(t, url, folder, credentials.Worker, "sluice worker default", log), stream.Settings{}, log)
	stop := works(t, inner, log)
	outer := opened(t, connected(t, url, folder, credentials.Gateway, "sluice gateway", log), stream.Settings{Unmanaged: true}, log)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := outer.Ready(ctx); err != nil {
		t.Error(err)
	}
	if err := outer.PublishRejection(ctx, &notification.Rejection{Cause: "wrong-token"}); err != nil {
		t.Error(err)
	}
	for _, body := range []string{`{"typeWebhook":"quotaExceeded","instanceData":{"idInstance":1}}`, "no JSON"} {
		n := notification.Notification{Source: "green-api", Provider: "green-api", RequestID: body, Body: []byte(body)}
		if _, err := outer.PublishNotification(ctx, &n); err != nil {
			t.Error(err)
		}
	}
	conn := connected(t, url, folder, credentials.Operator, "sluice command", log)
	reader, err := stream.Attach(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	for letter, err := range reader.DeadLetters(ctx, stream.Query{Follow: true}) {
		if err != nil || letter.Reason == "" {
			t.Errorf("letter %+v, error %v", letter, err)
		}
		break
	}
	if _, err := inner.Trim(ctx, stream.Keep{}); err != nil {
		t.Error(err)
	}
	stop()
	for line := range strings.Lines(said.String()) {
		if strings.Contains(strings.ToLower(line), "permission") {
			t.Error(line)
		}
	}
}

// works runs a worker until stop is called.
func works(t *testing.T, streams *stream.Streams, log *slog.Logger) (stop func()) {
	t.Helper()
	cfg, err := config.Load(config.Options{WithoutTokens: true})
	if err != nil {
		t.Fatal(err)
	}
	settings, err := worker.FromConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	running, err := worker.New(t.Context(), settings, streams, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- running.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestNoRoleMayDoMore(t *testing.T) { //nolint:paralleltest // The configuration reads variables.
	url, folder := shipped(t, "nats.conf")
	log := slog.New(slog.DiscardHandler)
	opened(t, connected(t, url, folder, credentials.Worker, "sluice worker default", log), stream.Settings{}, log)
	tests := []struct{ role, inbox, subject string }{
		{credentials.Gateway, "_INBOX_gateway", "$JS.API.DIRECT.GET.EVENTS"},
		{credentials.Gateway, "_INBOX_gateway", "$JS.API.STREAM.MSG.GET.EVENTS"},
		{credentials.Gateway, "_INBOX_gateway", "$JS.API.STREAM.MSG.GET.NOTIFICATIONS"},
		{credentials.Gateway, "_INBOX_gateway", "$JS.API.CONSUMER.CREATE.EVENTS"},
		{credentials.Gateway, "_INBOX_gateway", "$JS.API.CONSUMER.MSG.NEXT.EVENTS.default-0"},
		{credentials.Gateway, "_INBOX_gateway", "$JS.API.STREAM.CREATE.MORE"},
		{credentials.Gateway, "_INBOX_gateway", "$JS.API.STREAM.PURGE.EVENTS"},
		{credentials.Gateway, "_INBOX_gateway", "events.0.green-api.incomingCall.1"},
		{credentials.Gateway, "_INBOX_gateway", "dead.invalid.green-api.incomingCall"},
		{credentials.Worker, "_INBOX_worker", "in.0.green-api"},
		{credentials.Worker, "_INBOX_worker", "$JS.API.STREAM.DELETE.EVENTS"},
		{credentials.Worker, "_INBOX_worker", "$JS.API.STREAM.SNAPSHOT.EVENTS"},
		{credentials.Operator, "_INBOX_command", "events.0.green-api.incomingCall.1"},
	}
	for _, test := range tests {
		if err := refusal(t, url, folder.Seed(test.role), test.inbox, test.subject); err == nil {
			t.Errorf("%s may publish to %s", test.role, test.subject)
		}
	}
	for role, subject := range map[string]string{
		credentials.Gateway: "_INBOX_worker.>", credentials.Worker: "_INBOX_command.>", credentials.Operator: "events.>",
	} {
		if err := deafness(t, url, folder.Seed(role), subject); err == nil {
			t.Errorf("%s may listen to %s", role, subject)
		}
	}
	if _, err := nats.Connect(url); err == nil {
		t.Error("somebody without a key gets in")
	}
}

func client(t *testing.T, url, seed string, options ...nats.Option) (conn *nats.Conn, refused chan error) {
	t.Helper()
	key, err := nats.NkeyOptionFromSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	refused = make(chan error, 1)
	conn, err = nats.Connect(url, append(options, key, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) {
			refused <- err
		}
	}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn, refused
}

// refusal is what the server says to a request, nil when somebody takes it. Whom nobody answers may have been heard by an
// account of its own, where the streams are not.
func refusal(t *testing.T, url, seed, inbox, subject string) error {
	t.Helper()
	conn, refused := client(t, url, seed, nats.CustomInboxPrefix(inbox))
	_, err := conn.Request(subject, []byte(`{"last_by_subj":"events.>"}`), patience/100)
	select {
	case err := <-refused:
		return err
	default:
	}
	if errors.Is(err, nats.ErrNoResponders) {
		return err
	}
	return nil
}

func deafness(t *testing.T, url, seed, subject string) error {
	t.Helper()
	conn, refused := client(t, url, seed)
	if _, err := conn.SubscribeSync(subject); err != nil {
		return err
	}
	if err := conn.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-refused:
		return err
	case <-time.After(patience / 100):
		return nil
	}
}
