package up_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/local"
	"sluice.internal/sluice/up"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// instance is a running sluice.
type instance struct {
	t    *testing.T
	dir  string
	out  *bytes.Buffer
	log  *bytes.Buffer
	stop func() error
}

// start runs everything in one process on the folder, until stop is called or the test ends.
func start(t *testing.T, dir string) *instance {
	t.Helper()
	return startWith(t, dir, load(t))
}

// startWith is start with a configuration.
func startWith(t *testing.T, dir string, cfg *config.Config) *instance {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	i := &instance{t: t, dir: dir, out: &bytes.Buffer{}, log: &bytes.Buffer{}}
	ready := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- up.Run(ctx, cfg, up.Options{
			Data: dir, NATSListen: "127.0.0.1:0", Command: "sluice", Out: io.MultiWriter(i.out, signal(ready)),
		}, slog.New(slog.NewTextHandler(i.log, nil)))
	}()
	i.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := i.stop(); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("did not start: %v", err)
	case <-time.After(patience):
		t.Fatal("did not start in time")
	}
	return i
}

// signal is closed at the first write.
type signal chan struct{}

func (s signal) Write(p []byte) (int, error) {
	close(s)
	return len(p), nil
}

func load(t *testing.T) *config.Config {
	t.Helper()
	cfg, err := config.Load(config.Options{
		Flags:     map[string]string{"gateway.listen": "127.0.0.1:0"},
		Providers: source.Known(), AllowMissingTokens: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func (i *instance) token() string {
	i.t.Helper()
	content, err := os.ReadFile(filepath.Join(i.dir, "green-api.token"))
	if err != nil {
		i.t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

func (i *instance) post(body string) (status int, receipt string) {
	i.t.Helper()
	description, err := local.Read(i.dir)
	if err != nil {
		i.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(i.t.Context(), http.MethodPost, description.GatewayURL+"/green-api/webhook/", strings.NewReader(body))
	if err != nil {
		i.t.Fatal(err)
	}
	request.Close = true
	request.Header.Set("Authorization", "Bearer "+i.token())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		i.t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header.Get("Sluice-Receipt")
}

// events waits until that many events are there, and returns their keys.
func (i *instance) events(count int) []string {
	i.t.Helper()
	description, err := local.Read(i.dir)
	if err != nil {
		i.t.Fatal(err)
	}
	conn, err := stream.Connect(stream.Access{
		URL: description.NATSURL, User: description.NATSUser, Password: description.NATSPassword,
	}, i.t.Name(), slog.New(slog.DiscardHandler))
	if err != nil {
		i.t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(i.t.Context(), patience)
	defer cancel()
	streams, err := stream.Attach(ctx, conn)
	if err != nil {
		i.t.Fatal(err)
	}
	var keys []string
	for event, err := range streams.Events(ctx, stream.Query{Follow: true}) {
		if err != nil {
			i.t.Fatal(err)
		}
		if keys = append(keys, event.Key); len(keys) == count {
			return keys
		}
	}
	i.t.Fatalf("%d events came, waited for %d", len(keys), count)
	return nil
}

const call = `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1,"wid":"1@c.us","typeInstance":"whatsapp"},"from":"2@c.us","idMessage":"%d"}`

func TestEverythingIsStillThereAfterARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "data")
	first := start(t, dir)
	token := first.token()
	if !strings.Contains(first.out.String(), "Bearer "+token) || !strings.Contains(first.out.String(), `"webhookUrlToken": "`+token+`"`) {
		t.Errorf("printed:\n%s", first.out)
	}
	for id := range 3 {
		if status, receipt := first.post(fmt.Sprintf(call, id)); status != 200 || receipt != fmt.Sprint(id+1) {
			t.Fatalf("status %d, receipt %q", status, receipt)
		}
	}
	before := first.events(3)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	second := start(t, dir)
	if second.token() != token {
		t.Error("the token changed")
	}
	if status, _ := second.post(fmt.Sprintf(call, 1)); status != 200 { // A repetition.
		t.Fatalf("status %d", status)
	}
	if status, _ := second.post(fmt.Sprintf(call, 3)); status != 200 {
		t.Fatalf("status %d", status)
	}
	if after := second.events(4); fmt.Sprint(after[:3]) != fmt.Sprint(before) {
		t.Errorf("events before %v, after %v", before, after)
	}
}

func TestSecretsAreForTheOwnerOnly(t *testing.T) {
	t.Parallel()
	i := start(t, t.TempDir())
	for _, name := range []string{"green-api.token", "nats.password", "local.json"} {
		info, err := os.Stat(filepath.Join(i.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
	if err := i.stop(); err != nil {
		t.Fatal(err)
	}
	if i.log.Len() == 0 || strings.Contains(i.log.String(), i.token()) {
		t.Error("the token is in the log")
	}
}

func TestFolderIsForOneProcess(t *testing.T) {
	t.Parallel()
	i := start(t, t.TempDir())
	err := up.Run(t.Context(), load(t), up.Options{Data: i.dir, NATSListen: "127.0.0.1:0", Out: io.Discard}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("in use by process %d", os.Getpid())) {
		t.Errorf("error %v", err)
	}
	if status, _ := i.post(fmt.Sprintf(call, 1)); status != 200 {
		t.Errorf("the first one answers %d after the second was refused", status)
	}
}

func TestFolderThatCanNotBeWrittenIsAClearError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := up.Run(t.Context(), load(t), up.Options{Data: filepath.Join(file, "data"), NATSListen: "127.0.0.1:0", Out: io.Discard}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("error %v", err)
	}
}

func TestPortInUseIsAClearErrorAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	cfg := load(t)
	cfg.Gateway.Listen = listener.Addr().String()
	dir := t.TempDir()
	err = up.Run(t.Context(), cfg, up.Options{Data: dir, NATSListen: "127.0.0.1:0", Out: io.Discard}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), listener.Addr().String()) {
		t.Errorf("error %v", err)
	}
	start(t, dir) // The folder is free again.
}

func TestConfiguredTokensAreNotPrinted(t *testing.T) {
	t.Parallel()
	cfg := load(t)
	configured := cfg.Sources["green-api"]
	configured.Tokens = []config.Secret{config.NewSecret("configured-elsewhere")}
	cfg.Sources["green-api"] = configured
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	ready := make(chan struct{})
	go func() {
		<-ready
		cancel()
	}()
	err := up.Run(ctx, cfg, up.Options{Data: t.TempDir(), NATSListen: "127.0.0.1:0", Out: io.MultiWriter(&out, signal(ready))}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "configured-elsewhere") || !strings.Contains(out.String(), "YOUR_TOKEN") {
		t.Errorf("printed:\n%s", out.String())
	}
}
