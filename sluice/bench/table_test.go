package bench_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/sluice/bench"
)

const (
	// asPart makes the test's program a part of a table.
	asPart = "BENCH_TEST_AS_PART=1"
	// atOnce ends it without the second that the race detector waits otherwise.
	atOnce = "GORACE=atexit_sleep_ms=0"
)

func TestMain(m *testing.M) {
	if slices.Contains(os.Environ(), asPart) {
		if err := bench.RunPart(context.Background(), os.Stdin, os.Stdout, slog.New(slog.NewTextHandler(os.Stderr, nil))); err != nil {
			_, _ = io.WriteString(os.Stderr, err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

func tableOptions(t *testing.T) (o bench.TableOptions, out, progress *bytes.Buffer) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, progress = &bytes.Buffer{}, &bytes.Buffer{}
	return bench.TableOptions{
		Program: bench.Program{Path: program, Environ: []string{asPart, atOnce}},
		Rounds:  1, Duration: 200 * time.Millisecond, Connections: []int{8}, Backlogs: []int{20, 100}, EventRate: 1000, Parked: 64, Size: 960, Instances: 16,
		Folder: t.TempDir(), Out: out, Progress: progress,
	}, out, progress
}

func TestTableHasAllRows(t *testing.T) {
	t.Parallel()
	o, out, progress := tableOptions(t)
	if err := bench.Table(t.Context(), o); err != nil {
		t.Fatalf("%v, after\n%s", err, progress)
	}
	t.Log(out)
	for _, row := range []string{
		"HTTP limit, 8 connections",
		"store limit, synced, 8 connections", "store limit, default syncing, 8 connections",
		"gateway, synced, 8 connections", "gateway, default syncing, 8 connections",
		"publish per request, synced, 8 connections", "publish per request, default syncing, 8 connections",
		"bare publish, synced, 1 connection", "gateway, synced, 1 connection",
		"gateway at half its most, synced, 8 connections", "gateway and worker, synced, 8 connections",
		"intake, backlog of 20, synced", "intake, backlog of 100, synced",
		"handlers in order, 0 ms, 1 worker, synced", "handlers in order, 1 ms, 2 workers, synced",
		"handlers in order, 20 ms, 4 workers, synced", "handlers in order, 20 ms, one of the workers killed, 2 workers, synced",
		"handlers in order, 0 ms, 0 parked, 1 worker, default syncing",
		"handlers in order, 0 ms, 64 parked, 1 worker, default syncing",
	} {
		if !strings.Contains(out.String(), "\n| "+row+" | ") || !strings.Contains(progress.String(), ": "+row+"\n") {
			t.Errorf("there is no row %q", row)
		}
	}
	for _, expectation := range []string{
		"gateway, synced, 1 connection: times what a bare publish takes", "gateway at half its most, synced, 8 connections: p99, ms",
		"gateway, default syncing, 8 connections: part of what HTTP limit and store limit allow together",
		"handlers in order, 1 ms, 4 workers, synced: times what 1 worker handles",
		"handlers in order, 20 ms, one of the workers killed, 2 workers, synced: longest silence of a lane with events, s",
		"handlers in order, 0 ms, 64 parked, 1 worker, default syncing: part of what is handled with none",
	} {
		if !strings.Contains(out.String(), "\n| "+expectation+" | ") {
			t.Errorf("nothing is said about %q", expectation)
		}
	}
	isEmpty(t, o.Folder)
}

func TestTableLeavesOutWhatIsNotAskedForAndWritesProfiles(t *testing.T) {
	t.Parallel()
	o, out, _ := tableOptions(t)
	o.Only, o.Profiles, o.Folder = "1 connection", filepath.Join(t.TempDir(), "profiles"), filepath.Join(t.TempDir(), "new", "folder")
	if err := bench.Table(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "HTTP limit") {
		t.Errorf("there are other rows in\n%s", out)
	}
	for _, name := range []string{"gateway-synced-1-connection.prof", "gateway-synced-1-connection-store.prof"} {
		profile, err := os.ReadFile(filepath.Join(o.Profiles, name))
		if err != nil || len(profile) == 0 {
			t.Errorf("profile %s of %d bytes, error %v", name, len(profile), err)
		}
	}
}

func isEmpty(t *testing.T, folder string) {
	t.Helper()
	left, err := os.ReadDir(folder)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
}

func TestPartThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	o, _, _ := tableOptions(t)
	o.Program.Args = []string{"-test.run=^$"}
	o.Program.Environ = []string{"PATH="}
	if err := bench.Table(t.Context(), o); err == nil || !strings.Contains(err.Error(), "run http as a process of its own") {
		t.Errorf("error %v", err)
	}
	o.Program.Path = "/does/not/exist"
	if err := bench.Table(t.Context(), o); err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("error %v", err)
	}
	isEmpty(t, o.Folder)
}

func TestClientWithoutAStoreSaysWhy(t *testing.T) {
	t.Parallel()
	said := `{"role":"client","access":{"URL":"nats://127.0.0.1:1"},"job":{"connections":1,"instances":1,"duration":1}}`
	var out bytes.Buffer
	err := bench.RunPart(t.Context(), strings.NewReader(said), &out, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "connect to NATS") || out.Len() > 0 {
		t.Errorf("error %v, printed %q", err, &out)
	}
}

func TestEndOfTheContextEndsATable(t *testing.T) {
	t.Parallel()
	o, out, _ := tableOptions(t)
	o.Duration = time.Hour
	ctx, cancel := contextOf(t)
	o.Progress = writer(func([]byte) { time.AfterFunc(100*time.Millisecond, cancel) })
	if err := bench.Table(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if out.Len() > 0 {
		t.Errorf("printed %s", out)
	}
	isEmpty(t, o.Folder)
}

type writer func(text []byte)

func (w writer) Write(text []byte) (int, error) {
	w(text)
	return len(text), nil
}

func TestPartThatIsToldNothingSensible(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"", "{", `{"role":"cook"}`} {
		if err := bench.RunPart(t.Context(), strings.NewReader(said), io.Discard, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%q is no error", said)
		}
	}
}

func TestTableOptionsThatCanNotBeMeant(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bench.TableOptions){
		"no rounds":      func(o *bench.TableOptions) { o.Rounds = 0 },
		"no connections": func(o *bench.TableOptions) { o.Connections = nil },
		"no event rate":  func(o *bench.TableOptions) { o.EventRate = 0 },
		"no backlog":     func(o *bench.TableOptions) { o.Backlogs = []int{0} },
		"no duration":    func(o *bench.TableOptions) { o.Duration = 0 },
		"no row":         func(o *bench.TableOptions) { o.Only = "coffee" },
		"fewer parked":   func(o *bench.TableOptions) { o.Parked = -1 },
		"no folder":      func(o *bench.TableOptions) { o.Folder = o.Program.Path },
	} {
		o, _, _ := tableOptions(t)
		change(&o)
		if err := bench.Table(t.Context(), o); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
}
