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
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/position"
	"sluice.internal/shared/stream/reply"
	"sluice.internal/shared/stream/retention"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/credentials"
	"sluice.internal/worker"
)

const timeout = 2 * time.Minute

// shipped runs NATS with the configurations of the folder nats, on a port and files of its own.
func shipped(t *testing.T) (url string, folder credentials.Folder) {
	t.Helper()
	folder = made(t)
	dir := copied(t, folder,
		`$SLUICE_LISTEN`, `"127.0.0.1:-1"`, `http: "127.0.0.1:8222"`, "", `$SLUICE_STORE_DIR`, `"`+storeDir(t)+`"`)
	t.Setenv("SLUICE_NODE", "test")
	t.Setenv("SLUICE_STORE", "50GB")
	options, err := server.ProcessConfigFile(filepath.Join(dir, "nats.conf"))
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
	if !running.ReadyForConnections(timeout) {
		t.Fatal("the server did not start")
	}
	return running.ClientURL(), folder
}

// storeDir is a folder for a server's files. A batch that nobody ended may still be written to for a moment after the
// server has stopped, so that t.TempDir would now and then find its folder not empty.
func storeDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "store") //nolint:usetesting // See above.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for deadline := time.Now().Add(timeout); os.RemoveAll(dir) != nil; <-time.After(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("the server's files in %s stay", dir)
				return
			}
		}
	})
	return dir
}

// copied copies the configurations with some texts replaced, and the keys beside them.
func copied(t testing.TB, folder credentials.Folder, replace ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	// Through links, because Go's cache of test results looks only at files within the module.
	files, err := filepath.Glob("testdata/nats/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, error %v", files, err)
	}
	files = append(files, "testdata/kubernetes/nats.conf")
	for _, file := range files {
		name := filepath.Base(file)
		if strings.Contains(file, "kubernetes") {
			name = "kubernetes.conf"
		}
		text := strings.NewReplacer(replace...).Replace(content(t, file))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
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

func connected(t testing.TB, url string, folder credentials.Folder, role, name string, log *slog.Logger) *nats.Conn {
	t.Helper()
	access := streamtest.At(t, url)
	access.NKeyFile = folder.Seed(role)
	conn, err := stream.Connect(access, name, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func opened(t testing.TB, conn *nats.Conn, log *slog.Logger, change ...streamtest.Change) *streamtest.Streams {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	streams, err := stream.Open(ctx, conn, streamtest.Configured(change...), log)
	if err != nil {
		t.Fatal(err)
	}
	return streamtest.All(streams)
}

// openedToPublish has the streams as a gateway has them, which another process made.
func openedToPublish(t *testing.T, conn *nats.Conn, log *slog.Logger) *streamtest.Streams {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	streams, err := stream.OpenToPublish(ctx, conn, streamtest.Configured(streamtest.Unmanaged), log)
	if err != nil {
		t.Fatal(err)
	}
	return streamtest.All(streams)
}

// A server that refuses something tells the client, which logs it.
func TestEveryRoleMayDoWhatItsProgramDoes(t *testing.T) { //nolint:paralleltest,gocyclo // The configuration reads variables. One story, told step by step.
	url, folder := shipped(t)
	said := &journal{}
	log := slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelWarn}))
	inner := opened(t, connected(t, url, folder, credentials.Worker, "sluice worker default", log), log)
	stop := works(t, inner, log)
	answers, first := reply.NewClient(inner.Client), reply.ID{Group: "default", Key: "key", Number: 1}
	_, err := answers.Change(t.Context(), first, reply.Record{}, reply.Record{Message: "BAE5"})
	streamtest.Must(t, err)
	if answer, err := answers.Read(t.Context(), first); err != nil || answer.Message != "BAE5" {
		t.Errorf("answer %+v, error %v", answer, err)
	}
	outer := openedToPublish(t, connected(t, url, folder, credentials.Gateway, "sluice gateway", log), log)
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	if err := outer.Ready(ctx); err != nil {
		t.Error(err)
	}
	if err := outer.PublishRejection(ctx, &notification.Rejection{Cause: "wrong-token"}); err != nil {
		t.Error(err)
	}
	for _, body := range []string{`{"typeWebhook":"quotaExceeded","instanceData":{"idInstance":1}}`, "no JSON"} {
		n := notification.Notification{Origin: notification.Origin{Source: "green-api", Provider: "green-api", RequestID: body, Body: []byte(body)}}
		if _, err := outer.PublishNotification(ctx, &n); err != nil {
			t.Error(err)
		}
	}
	polling := openedToPublish(t, connected(t, url, folder, credentials.Poller, "sluice poller", log), log)
	streamtest.Must(t, polling.Ready(ctx), polling.PollLease("green-api", "1", "me", time.Minute).Hold(ctx),
		polling.PublishPollState(ctx, stream.PollState{Source: "green-api", Instance: "1"}))
	bots, err := position.Attach(connected(t, url, folder, credentials.Receiver, "sluice receiver", log), log)
	streamtest.Must(t, err, bots.Ready(ctx), bots.Begin(ctx, "crm"), bots.PublishState(ctx, position.BotState{Bot: "crm", Instance: "1"}))
	coming, stopWatching, err := bots.Watch(ctx, position.Filter{Source: "green-api", Instance: "1"})
	streamtest.Must(t, err)
	defer stopWatching()
	n := notification.Notification{Origin: notification.Origin{
		Source: "green-api", Provider: "green-api", RequestID: "of-a-bot",
		Body: []byte(`{"typeWebhook":"quotaExceeded","instanceData":{"idInstance":1},"of":"a bot"}`),
	}}
	if _, err := outer.PublishNotification(ctx, &n); err != nil {
		t.Error(err)
	}
	select {
	case <-coming:
	case <-ctx.Done():
		t.Error("nobody told of an event")
	}
	at, err := bots.Read(ctx, "crm", "1")
	streamtest.Must(t, err)
	streamtest.Eventually(ctx, t, "the event is there", func() bool {
		head, err := bots.Next(ctx, position.Filter{Source: "green-api", Instance: "1"}, at.Sequence)
		count, countErr := bots.Count(ctx, position.Filter{Source: "green-api", Instance: "1"}, at.Sequence)
		streamtest.Must(t, err, countErr)
		return head != nil && count > 0
	})
	if _, err := bots.Move(ctx, "crm", "1", at, position.Position{Sequence: at.Sequence + 1}); err != nil {
		t.Error(err)
	}
	conn := connected(t, url, folder, credentials.Operator, "sluice command", log)
	reader, err := admin.Attach(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	if states, err := reader.PollStates(ctx); err != nil || len(states) != 1 {
		t.Errorf("states %+v, error %v", states, err)
	}
	for letter, err := range reader.DeadLetters(ctx, admin.Query{Follow: true}) {
		if err != nil || letter.Reason == "" {
			t.Errorf("letter %+v, error %v", letter, err)
		}
		break
	}
	if _, err := retention.Trim(ctx, inner.Client, streamtest.Configured()); err != nil {
		t.Error(err)
	}
	servers, _ := client(t, url, folder.Seed(credentials.Admin))
	if answer, err := servers.Request("$SYS.REQ.SERVER.PING.JSZ", nil, timeout); err != nil || !bytes.Contains(answer.Data, []byte(`"streams"`)) {
		t.Errorf("answer %+v, error %v", answer, err)
	}
	stop()
	for line := range strings.Lines(said.String()) {
		if strings.Contains(strings.ToLower(line), "permission") {
			t.Error(line)
		}
	}
}

// works runs a worker until stop is called.
func works(t *testing.T, streams *streamtest.Streams, log *slog.Logger) (stop func()) {
	t.Helper()
	running, err := worker.New(t.Context(), config.Default(), worker.Parts{}, streams.Client, log)
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

// refusalOf is what the server says to a request with that body, nil when somebody takes it. Whom nobody answers may have
// been heard by an account of its own, where the streams are not. The request claims to be of the streams' account.
func refusalOf(t *testing.T, url, seed, inbox, subject, body string) error {
	t.Helper()
	conn, _ := client(t, url, seed, nats.CustomInboxPrefix(inbox))
	answers, err := conn.SubscribeSync(conn.NewInbox())
	if err == nil {
		err = conn.PublishMsg(&nats.Msg{
			Subject: subject, Reply: answers.Subject, Data: []byte(body), Header: nats.Header{"Nats-Request-Info": {`{"acc":"SLUICE"}`}},
		})
	}
	if err == nil {
		err = conn.FlushTimeout(timeout)
	}
	if err != nil {
		t.Fatal(err)
	}
	// The server refuses, and says that nobody listens, before it answers the flush.
	if err := conn.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return err
	}
	answer, err := answers.NextMsg(time.Millisecond)
	if errors.Is(err, nats.ErrNoResponders) || err == nil && answer.Header.Get("Status") == "503" {
		return nats.ErrNoResponders
	}
	return nil
}

func deafness(t *testing.T, url, seed, subject string) error {
	t.Helper()
	conn, refused := client(t, url, seed)
	if _, err := conn.SubscribeSync(subject); err != nil {
		return err
	}
	if err := conn.FlushTimeout(timeout); err != nil {
		t.Fatal(err)
	}
	if conn.LastError() == nil { // The server refuses before it answers the flush.
		return nil
	}
	return <-refused
}
