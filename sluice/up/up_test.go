package up_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/up"
	"sluice.internal/sluice/up/uptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const timeout = 2 * time.Minute

// instance is a running sluice.
type instance struct {
	*uptest.Sluice

	t *testing.T
}

// start runs everything in one process on the folder, until it is stopped or the test ends.
func start(t *testing.T, dir string) *instance {
	t.Helper()
	return startWith(t, dir, load(t))
}

// startWith is start with a configuration.
func startWith(t *testing.T, dir string, cfg *config.Config) *instance {
	t.Helper()
	return &instance{uptest.Start(t, dir, cfg), t}
}

func load(t *testing.T) *config.Config {
	t.Helper()
	return loadFile(t, "")
}

// loadFile is load with a file, empty for none.
func loadFile(t *testing.T, file string) *config.Config {
	t.Helper()
	cfg, err := config.Load(config.Options{
		File: file, Flags: map[string]string{"gateway.listen": "127.0.0.1:0"},
		Providers: source.Known(), AllowMissingTokens: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func (i *instance) token() string {
	i.t.Helper()
	content, err := os.ReadFile(filepath.Join(i.Dir, "green-api.token"))
	if err != nil {
		i.t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

func (i *instance) post(body string) (status int, receipt string) {
	i.t.Helper()
	description := i.Description(i.t)
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
	ctx, cancel := context.WithTimeout(i.t.Context(), timeout)
	defer cancel()
	streams := i.Attach(i.t)
	var keys []string
	for event, err := range streams.Events(ctx, admin.Query{Follow: true}) {
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
	for id := range 3 {
		if status, receipt := first.post(fmt.Sprintf(call, id)); status != 200 || receipt != fmt.Sprint(id+1) {
			t.Fatalf("status %d, receipt %q", status, receipt)
		}
	}
	before := first.events(3)
	if err := first.Stop(); err != nil {
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

func TestTokensArePrintedOnceAndToATerminalOnly(t *testing.T) {
	t.Parallel()
	cfg := func() *config.Config {
		cfg := load(t)
		for name, provider := range map[string]string{"github": "github", "sms-by": "sms-by"} {
			configured := cfg.Sources["green-api"]
			configured.Name, configured.Provider = name, provider
			configured.Path, configured.Auth = "/"+name+"/webhook", source.Known()[provider].Auth
			cfg.Sources[name] = configured
		}
		return cfg
	}
	atTerminal, elsewhere := t.TempDir(), t.TempDir()
	for _, step := range []struct {
		name  string
		start func(*testing.T, string, *config.Config) *uptest.Sluice
		dir   string
		want  bool
	}{
		{"the first start at a terminal", uptest.StartAtTerminal, atTerminal, true},
		{"the second start at a terminal", uptest.StartAtTerminal, atTerminal, false},
		{"the first start elsewhere", uptest.Start, elsewhere, false},
		{"the second start, at a terminal", uptest.StartAtTerminal, elsewhere, false},
	} {
		running := step.start(t, step.dir, cfg())
		if err := running.Stop(); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"green-api", "github", "sms-by"} {
			token, err := os.ReadFile(filepath.Join(step.dir, name+".token"))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(running.Out.String(), strings.TrimSpace(string(token))); got != step.want {
				t.Errorf("%s prints the token of %s: %t\n%s", step.name, name, got, running.Out)
			}
		}
		if says := strings.Contains(running.Out.String(), "sluice secrets show --source green-api --data "+step.dir); says == step.want {
			t.Errorf("%s says where the token is: %t\n%s", step.name, says, running.Out)
		}
	}
}

func TestFolderThatOthersCanWriteIntoIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	err := up.Run(t.Context(), load(t), up.Options{Data: dir, NATSListen: "127.0.0.1:0", Out: io.Discard}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("error %v", err)
	}
}

func TestSecretsAreForTheOwnerOnly(t *testing.T) {
	t.Parallel()
	i := start(t, t.TempDir())
	for _, name := range []string{"green-api.token", "nats.password", "local.json"} {
		info, err := os.Stat(filepath.Join(i.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
	if err := i.Stop(); err != nil {
		t.Fatal(err)
	}
	if i.Log.Len() == 0 || strings.Contains(i.Log.String(), i.token()) {
		t.Error("the token is in the log")
	}
}

func TestFolderIsForOneProcess(t *testing.T) {
	t.Parallel()
	i := start(t, t.TempDir())
	err := up.Run(t.Context(), load(t), up.Options{Data: i.Dir, NATSListen: "127.0.0.1:0", Out: io.Discard}, slog.New(slog.DiscardHandler))
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
	i := startWith(t, t.TempDir(), cfg)
	if err := i.Stop(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(i.Out.String(), "configured-elsewhere") || !strings.Contains(i.Out.String(), "YOUR_TOKEN") {
		t.Errorf("printed:\n%s", i.Out.String())
	}
}
