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
	"sluice.internal/sluice/cli"
	"sluice.internal/sluice/local"
)

// preset is what one kind of sender sends, and what it is to become. The bodies have %d for a number that tells
// notifications apart.
type preset struct {
	configured, kind, body    string
	wantType, instance, order string
	wrong                     string // the cause when the secret is wrong
}

func presets() map[string]preset {
	return map[string]preset{
		"green-api": {
			body: `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1101000001,"wid":"1@c.us","typeInstance":"whatsapp"},` +
				`"from":"7@c.us","idMessage":"%d","timestamp":1700000000}`,
			wantType: "incomingCall", instance: "1101000001", order: "7@c.us", wrong: source.CauseWrongToken,
		},
		"timepad": {
			body: `{"id":7,"status":{"name":"paid"},"organization":{"id":43},"hook_guid":"g-%d","hook_generated_at":"2026-03-01 12:00:05",` +
				`"created_at":"2026-03-01 12:00:00","mail":"a@example.org","tickets":[]}`,
			wantType: "order", instance: "43", order: "order/7", wrong: source.CauseWrongSecret,
		},
		"sms-by": {
			body: "channel=VIBER&message_id=%d&status=SENT", wantType: "messageStatus", order: "%d", wrong: source.CauseWrongToken,
		},
		"github": {
			kind: "issues", body: `{"action":"opened","repository":{"full_name":"a/b","owner":{"login":"a"}},"number":%d}`,
			wantType: "issues.opened", instance: "a", order: "a/b", wrong: source.CauseWrongSecret,
		},
		"slack": {
			body:     `{"type":"event_callback","team_id":"T","event_id":"E%d","event_time":1749207600,"event":{"type":"message","channel":"C"}}`,
			wantType: "message", instance: "T", order: "C", wrong: source.CauseWrongSecret,
		},
		"dropbox": {
			body: `{"list_folder":{"accounts":["dbid:1","dbid:%d"]}}`, wantType: "list_folder", order: "dbid:1", wrong: source.CauseWrongSecret,
		},
		"stripe": {
			body:     `{"id":"evt_%d","object":"event","type":"charge.succeeded","account":"acct","created":1749207600,"data":{"object":{"id":"ch_1"}}}`,
			wantType: "charge.succeeded", instance: "acct", order: "ch_1", wrong: source.CauseWrongSecret,
		},
		"shopify": {
			kind: "orders/create", body: `{"id":%d}`, wantType: "orders/create", instance: "example.myshopify.com", wrong: source.CauseWrongSecret,
		},
		"standard-webhooks": {
			body: `{"type":"user.created","timestamp":"2025-06-06T11:00:00Z","data":{"n":%d}}`, wantType: "user.created", wrong: source.CauseWrongSecret,
		},
		"generic": {
			configured: `, auth: signature, signature: {header: X-Crm, hash: sha512}, read: {type: /kind, instance: /account, order: /deal, id: [/n]}`,
			body:       `{"kind":"deal","account":"5","deal":"9","n":%d}`, wantType: "deal", instance: "5", order: "9", wrong: source.CauseWrongSecret,
		},
	}
}

// configuration is one sluice.yaml with all presets. Secrets differ by the word.
func configuration(t *testing.T, word string) (path string) {
	t.Helper()
	text := "gateway: {listen: '127.0.0.1:0'}\nsources:\n"
	for name, preset := range presets() {
		secret := name + "-" + word + "-0123456789"
		if name == "standard-webhooks" {
			secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(secret))
		}
		text += fmt.Sprintf("  %s: {token: %s%s}\n", name, secret, preset.configured)
	}
	path = filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

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
	dir, right, wrong := t.TempDir(), configuration(t, "right"), configuration(t, "other")
	cfg, err := config.Load(config.Options{File: right, Providers: source.Known()})
	if err != nil {
		t.Fatal(err)
	}
	startWith(t, dir, cfg)
	send(t, dir, right, 1, 0)
	awaitEvents(t, dir, 1)

	send(t, dir, wrong, 2, 1)
	for _, rejection := range awaitRejections(t, dir) {
		name := rejection.Source
		if rejection.Cause != presets()[name].wrong {
			t.Errorf("%s is refused for %s (%s)", name, rejection.Cause, rejection.Detail)
		}
		shown := command(t, 0, "rejections", "show", "--data", dir, fmt.Sprint(rejection.Sequence))
		if !strings.Contains(shown, rejection.Cause) || !strings.Contains(shown, rejection.Detail) || rejection.Detail == "" {
			t.Errorf("%s is shown as\n%s", name, shown)
		}
		if strings.Contains(shown, name+"-other") || strings.Contains(shown, name+"-right") {
			t.Errorf("a secret is shown:\n%s", shown)
		}
	}
	accept := []string{"rejections", "accept", "--all", "--data", dir, "--config"}
	command(t, 1, append(accept, right)...) // They are as wrong as before.
	if left := awaitRejections(t, dir); len(left) != len(presets()) {
		t.Fatalf("%d rejections are left", len(left))
	}
	command(t, 0, append(accept, wrong, "--dry-run")...)
	if said := command(t, 0, append(accept, wrong)...); !strings.Contains(said, "accepted: 10 rejections") {
		t.Error(said)
	}
	awaitEvents(t, dir, 2)
	if left := listed[listedRejection](t, "rejections", "--data", dir); len(left) > 0 {
		t.Errorf("rejections are left: %+v", left)
	}
}

// send sends the notification of that number of every preset, with the secrets of the configuration.
func send(t *testing.T, dir, config string, number, wantCode int) {
	t.Helper()
	for name, preset := range presets() {
		file := filepath.Join(t.TempDir(), "body")
		body := strings.ReplaceAll(preset.body, "%d", fmt.Sprint(number))
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"send", "--data", dir, "--config", config, "--source", name, file}
		if preset.kind != "" {
			args = append(args, "--type", preset.kind)
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
		if event.Source == "standard-webhooks" {
			order = event.OrderKey // Its id, which is made up.
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
	conn, err := stream.Connect(stream.Access{
		URL: description.NATSURL, User: description.NATSUser, Password: description.NATSPassword,
	}, t.Name(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	streams, err := stream.Attach(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	var events []notification.Event
	await(t, fmt.Sprintf("%d events", count), func() bool {
		events = nil
		for event, err := range streams.Events(t.Context(), stream.Query{}) {
			if err != nil {
				t.Fatal(err)
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
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
