package up_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/cli"
	"sluice.internal/sluice/local"
)

// configuration is one sluice.yaml with all presets. Secrets differ by the word.
func configuration(t *testing.T, word string) (path string) {
	t.Helper()
	dir := t.TempDir()
	text := "gateway: {listen: '127.0.0.1:0', public_url: 'https://hooks.example.org'}\nsources:\n"
	for name, preset := range presets() {
		secret := secretOf(name, word)
		switch {
		case name == "standard-webhooks":
			secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(secret))
		case preset.key != nil:
			secret = preset.key(t, secret).public
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("  %s: {secrets: [{secret_file: %s}]%s}\n", name, file, preset.configured)
	}
	path = filepath.Join(dir, "sluice.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// secretOf is the secret of a source in the configuration of that word.
func secretOf(source, word string) string { return source + "-" + word + "-0123456789" }

// command runs a command line and returns what it prints.
func command(t *testing.T, wantCode int, args ...string) string {
	t.Helper()
	var out, diagnostics bytes.Buffer
	if code := cli.Run(t.Context(), cli.Process{Args: args, Stdout: &out, Stderr: &diagnostics}); code != wantCode {
		t.Fatalf("sluice %s: exit code %d\n%s%s", strings.Join(args, " "), code, &out, &diagnostics)
	}
	return out.String()
}

// listed reads what a command prints as JSON, one object a line.
func listed[T any](t *testing.T, args ...string) (items []T) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(command(t, 0, append(args, "--json")...)))
	for decoder.More() {
		var item T
		if err := decoder.Decode(&item); err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	return items
}

type listedRejection struct {
	Sequence              uint64
	Source, Cause, Detail string
}

func TestEverySenderIsAcceptedRefusedWithTheLikelyCauseAndAcceptedAfterwards(t *testing.T) {
	t.Parallel()
	if got := slices.Sorted(maps.Keys(presets())); !slices.Equal(got, source.Names()) {
		t.Fatalf("tried are %q, there are %q", got, source.Names())
	}
	dir, right, wrong := t.TempDir(), configuration(t, "right"), configuration(t, "other")
	cfg, err := config.Load(config.Options{File: right, Providers: source.Known()})
	if err != nil {
		t.Fatal(err)
	}
	startWith(t, dir, cfg)
	sendAll(t, dir, right, "right", 1)
	awaitEvents(t, dir, 1)

	sendAll(t, dir, wrong, "other", 2)
	rejections := awaitRejections(t, dir)
	show := []string{"rejections", "show", "--data", dir}
	for _, rejection := range rejections {
		show = append(show, fmt.Sprint(rejection.Sequence))
	}
	texts := command(t, 0, show...)
	for _, rejection := range rejections {
		name := rejection.Source
		if rejection.Cause != presets()[name].wrong {
			t.Errorf("%s is refused for %s (%s)", name, rejection.Cause, rejection.Detail)
		}
		_, shown, _ := strings.Cut("\n"+texts, fmt.Sprintf("\nrejection %d: ", rejection.Sequence))
		shown, _, _ = strings.Cut(shown, "\nrejection ")
		if !strings.Contains(shown, rejection.Cause) || !strings.Contains(shown, rejection.Detail) || rejection.Detail == "" {
			t.Errorf("%s is shown as\n%s", name, shown)
		}
		if !presets()[name].inBody && strings.Contains(shown, secretOf(name, "other")) || strings.Contains(shown, secretOf(name, "right")) {
			t.Errorf("a secret is shown:\n%s", shown)
		}
	}
	accept := []string{"rejections", "accept", "--all", "--data", dir, "--config"}
	command(t, 1, append(accept, right)...) // They are as wrong as before.
	if left := awaitRejections(t, dir); len(left) != len(presets()) {
		t.Fatalf("%d rejections are left", len(left))
	}
	command(t, 0, append(accept, wrong, "--dry-run")...)
	if said := command(t, 0, append(accept, wrong)...); !strings.Contains(said, fmt.Sprintf("accepted: %d rejections", len(presets()))) {
		t.Error(said)
	}
	awaitEvents(t, dir, 2)
	if left := listed[listedRejection](t, "rejections", "--data", dir); len(left) > 0 {
		t.Errorf("rejections are left: %+v", left)
	}
}

// sendAll sends the notification of that number of every preset, with the secrets of the configuration of that word. Only
// those of the first configuration are right.
func sendAll(t *testing.T, dir, config, word string, number int) {
	t.Helper()
	for name, preset := range presets() {
		body := strings.ReplaceAll(preset.body, "%d", fmt.Sprint(number))
		if preset.key != nil {
			if status := preset.key(t, secretOf(name, word)).post(t, dir, name, body); (status/100 == 2) != (word == "right") {
				t.Errorf("%s with the secret %q is answered %d", name, word, status)
			}
			continue
		}
		file := filepath.Join(t.TempDir(), "body")
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"send", "--data", dir, "--config", config, "--source", name, file}
		if preset.kind != "" {
			args = append(args, "--type", preset.kind)
		}
		wantCode := 0
		if word != "right" {
			wantCode = 1
		}
		command(t, wantCode, args...)
	}
}

// awaitEvents waits until each preset has that many events, and checks them.
func awaitEvents(t *testing.T, dir string, each int) {
	t.Helper()
	events := storedEvents(t, dir, each*len(presets()))
	seen, keys := map[string]int{}, map[string]bool{}
	for _, event := range events {
		preset := presets()[event.Source]
		seen[event.Source]++
		order := strings.ReplaceAll(preset.order, "%d", fmt.Sprint(seen[event.Source]))
		if preset.order == anyOrder {
			order = event.OrderKey
		}
		if event.Type != preset.wantType || event.Instance != preset.instance || event.OrderKey != order || event.Key == "" || keys[event.Key] {
			t.Errorf("event of %s is %+v, want type %q, instance %q, order key %q", event.Source, event.Identity, preset.wantType, preset.instance, order)
		}
		keys[event.Key] = true
	}
	for name := range presets() {
		if seen[name] != each {
			t.Errorf("%s has %d events, want %d", name, seen[name], each)
		}
	}
}

// storedEvents waits for so many events and returns all there are.
func storedEvents(t *testing.T, dir string, count int) []notification.Event {
	t.Helper()
	description, err := local.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := stream.Connect(streamtest.Login(t, description.NATSURL, description.NATSUser, description.NATSPassword), t.Name(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	streams, err := admin.Attach(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	var events []notification.Event
	await(t, fmt.Sprintf("%d events", count), func() bool {
		events = nil
		for event, err := range streams.Events(t.Context(), admin.Query{}) {
			if err != nil {
				return false // A busy server may not answer in time.
			}
			events = append(events, event)
		}
		return len(events) >= count
	})
	return events
}

// awaitRejections waits until every preset has one.
func awaitRejections(t *testing.T, dir string) (rejections []listedRejection) {
	t.Helper()
	await(t, "rejections of all senders", func() bool {
		rejections = listed[listedRejection](t, "rejections", "--data", dir)
		names := map[string]bool{}
		for _, rejection := range rejections {
			names[rejection.Source] = true
		}
		return slices.Equal(slices.Sorted(maps.Keys(names)), slices.Sorted(maps.Keys(presets())))
	})
	return rejections
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
