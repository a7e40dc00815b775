package keys_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/config"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/up/uptest"
	"sluice.internal/worker"
)

// consumers returns the consumers on EVENTS of a Sluice, with what each of them gets. They are made before it is ready.
func consumers(t *testing.T, cfg *config.Config) string {
	t.Helper()
	description := uptest.Start(t, t.TempDir(), cfg).Description(t)
	conn, err := nats.Connect(description.NATSURL, nats.UserInfo(description.NATSUser, description.NATSPassword))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	events, err := js.Stream(t.Context(), stream.Events)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	list := events.ListConsumers(t.Context())
	for info := range list.Info() {
		all = append(all, fmt.Sprint(info.Name, info.Config.FilterSubject, info.Config.FilterSubjects, info.Config.Metadata))
	}
	if list.Err() != nil {
		t.Fatal(list.Err())
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// given returns what a worker reads of the configuration for its handlers. What it does with that takes handlers of a
// special kind, which `sluice up` does not have, so it is a test of the package that shows it.
func given(t *testing.T, cfg *config.Config) string {
	t.Helper()
	w := cfg.Worker
	return fmt.Sprint(w.Concurrency, w.OnFailure, w.RetryFor, w.ShutdownTimeout, w.HandlerTimeout)
}

// startError returns the error of making a worker.
func startError(t *testing.T, cfg *config.Config) string {
	t.Helper()
	alone := *cfg
	alone.Worker.Handlers = false
	_, err := worker.New(t.Context(), &alone, worker.Parts{}, streamtest.Start(t).Open(t).Client, slog.New(slog.DiscardHandler))
	return fmt.Sprint(err)
}

// heldBy makes an effect of what the worker is given and of the test that shows what it does with it. The test must be in
// package worker or in one below it.
func heldBy(test, changed string) effect {
	return func(t *testing.T) {
		t.Helper()
		own, err := filepath.Glob(filepath.Join("..", "..", "worker", "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		below, err := filepath.Glob(filepath.Join("..", "..", "worker", "*", "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(slices.Concat(own, below), func(name string) bool {
			text, err := os.ReadFile(name)
			return err == nil && strings.Contains(string(text), "\nfunc "+test+"(")
		}) {
			t.Errorf("there is no %s in worker any more", test)
		}
		differs(given, "", changed)(t)
	}
}

func workerEffects() map[string]effect {
	const quick = "gateway: {listen: '127.0.0.1:0'}\nstreams: {lanes: 1, shards: 1}\nworker: {%s}\n"
	seen := func(from, to string) effect {
		return differs(consumers, fmt.Sprintf(quick, from), fmt.Sprintf(quick, to))
	}
	return map[string]effect{
		"worker.group":    seen("group: one", "group: other"),
		"worker.types":    seen("", "types: [incomingCall]"),
		"worker.ordered":  seen("ordered: true", "ordered: false"),
		"worker.handlers": seen("handlers: true", "handlers: false"),
		"worker.intake":   differs(startError, "", "worker: {intake: false}\n"), // Nothing is left to do then.
		// A handler has to be slow, to fail, or to fail for long; the tests that are named show what comes of that.
		"worker.concurrency":      heldBy("TestUnorderedGroupHandlesManyOfOneChatAtOnce", "worker: {concurrency: 3}\n"),
		"worker.handler_timeout":  heldBy("TestHandlerThatTakesTooLongHasFailed", "worker: {handler_timeout: 1s}\n"),
		"worker.on_failure":       heldBy("TestBlockedChatWaitsAndKeepsItsOrder", "worker: {on_failure: block}\n"),
		"worker.retry_for":        heldBy("TestDecisionAboutAFailedAttempt", "worker: {retry_for: 1h}\n"),
		"worker.shutdown_timeout": heldBy("TestHandlerThatDoesNotHeedTheEndHoldsUpNoStop", "worker: {shutdown_timeout: 1s}\n"),
		"schemas_dir": func(t *testing.T) {
			t.Helper()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "none.json"), []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
			differs(startError, "", "schemas_dir: "+dir+"\n")(t)
		},
	}
}
