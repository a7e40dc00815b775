package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/cli"
	"sluice.internal/sluice/local"
)

func notify(t *testing.T, streams *streamtest.Streams, id int, body string) error {
	t.Helper()
	return notifyIn(t, streams, id, body, false)
}

// notifyIn is notify for a source in quarantine or not.
func notifyIn(t *testing.T, streams *streamtest.Streams, id int, body string, quarantine bool) error {
	t.Helper()
	_, err := streams.PublishNotification(testContext(t), &notification.Notification{Origin: notification.Origin{
		Source: "green-api", Provider: "green-api", RequestID: fmt.Sprintf("request-%d", id),
		ReceivedAt: receivedAt, Body: []byte(body), Quarantine: quarantine,
	}})
	return err
}

// kinds reads the objects of `status --json`: the keys of each in order, by kind and name.
func kinds(t *testing.T, stdout string) map[string]map[string]any {
	t.Helper()
	objects := map[string]map[string]any{}
	for line := range strings.Lines(stdout) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		name, _ := object["name"].(string)
		objects[strings.TrimSpace(fmt.Sprint(object["kind"], " ", name))] = object
	}
	return objects
}

func TestStatusOfEmptyStreamsIsFine(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	server.Open(t)
	run(t, "status", "--nats", server.URL(), "--interval=0").want(t, result{stdout: "" +
		"STREAM         MESSAGES  SIZE  USED  OLDEST\n" +
		"NOTIFICATIONS         0   0 B   0 %  -\n" +
		"EVENTS                0   0 B   0 %  -\n" +
		"RETRIES               0   0 B   0 %  -\n" +
		"DEAD_LETTERS          0   0 B   0 %  -\n" +
		"REJECTIONS            0   0 B   0 %  -\n" +
		"ALERTS                0   0 B   0 %  -\n" +
		"OPERATIONS            0   0 B   0 %  -\n" +
		"OBJECTS               0   0 B   0 %  -\n" +
		"POSITIONS             0   0 B   0 %  -\n" +
		"REPLIES               0   0 B   0 %  -\n" +
		"STATES                0   0 B   0 %  -\n" +
		"\n" +
		"BACKLOG  WAITING  UNDER WAY  IN/S  OUT/S  EMPTY IN  OLDEST  PARKED  DUE  DEAD  WORKERS\n" +
		"intake         0          0     -      -         -       -       0    0     0        0\n"})
}

func TestStatusCountsWhatIsThereAndWhatWaits(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Lanes(2), func(s *config.Streams) { s.Events.MaxBytes = 1 << 20 })
	if _, err := streams.Group(testContext(t), consume.GroupSettings{Name: "billing"}); err != nil {
		t.Fatal(err)
	}
	large := sampleEvent(streams, 1)
	large.Body = []byte(`"` + strings.Repeat("x", 300<<10) + `"`)
	publish(t, streams, large, sampleEvent(streams, 2), sampleEvent(streams, 3))

	got := run(t, "status", "--nats", server.URL(), "--interval=0")
	const complaint = "sluice: group \"billing\" has no worker, and there are 3 events for it: start one, with `sluice up --group billing` or by itself\n"
	if got.code != 1 || got.stderr != complaint {
		t.Errorf("exit code %d, standard error %q", got.code, got.stderr)
	}
	for _, row := range []string{
		`(?m)^EVENTS +3  30\d KiB +29 %  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`,
		`(?m)^group billing +3 +0 +- +- +- +\S+ +0 +0 +0 +0$`,
	} {
		if !regexp.MustCompile(row).MatchString(got.stdout) {
			t.Errorf("no row like %s in\n%s", row, got.stdout)
		}
	}

	got = run(t, "status", "--json", "--nats", server.URL(), "--interval=0")
	if got.code != 1 || got.stderr != complaint {
		t.Errorf("exit code %d, standard error %q", got.code, got.stderr)
	}
	objects := kinds(t, got.stdout)
	wanted := []string{
		"group billing", "intake", "stream ALERTS", "stream DEAD_LETTERS", "stream EVENTS", "stream NOTIFICATIONS", "stream OBJECTS",
		"stream OPERATIONS", "stream POSITIONS", "stream REJECTIONS", "stream REPLIES", "stream RETRIES", "stream STATES", "verdict",
	}
	if kinds := slices.Sorted(maps.Keys(objects)); !slices.Equal(kinds, wanted) {
		t.Errorf("objects %q, want %q", kinds, wanted)
	}
	events := objects["stream EVENTS"]
	if events["messages"] != 3.0 || events["max_bytes"] != 1048576.0 || events["used_percent"].(float64) < 29 || events["first_at"] == nil {
		t.Errorf("events %v", events)
	}
	for _, line := range []string{
		`{"kind":"intake","waiting":0,"under_way":0,"workers":0,"parked":0,"due":0,"dead":0}`,
		`{"kind":"group","name":"billing","waiting":3,"under_way":0,"workers":0,"parked":0,"due":0,"dead":0,"oldest_at":"`,
		`"complaints":["group \"billing\" has no worker, `,
	} {
		if !strings.Contains(got.stdout, line) {
			t.Errorf("no line %s in\n%s", line, got.stdout)
		}
	}
}

func TestBacklogWithAWorkerNeedsNobody(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Lanes(1))
	group, err := streams.Group(testContext(t), consume.GroupSettings{Name: "default"})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, streams, sampleEvent(streams, 1), sampleEvent(streams, 2))
	busy, release := make(chan struct{}), make(chan struct{})
	stop := streamtest.Serve(group.Partitions[0], func(delivery *consume.Delivery) {
		if delivery.Sequence == 1 {
			close(busy)
			<-release
		}
		_ = delivery.Done()
	})
	defer stop()
	defer close(release)
	<-busy
	got := run(t, "status", "--json", "--nats", server.URL(), "--interval=0")
	if want := `{"kind":"group","name":"default","waiting":1,"under_way":1,"workers":`; got.code != 0 || !strings.Contains(got.stdout, want) {
		t.Errorf("no %s in %+v", want, got)
	}
}

func TestNotificationsThatNobodyTakesInNeedSomebody(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	for id := range 3 {
		if err := notify(t, streams, id, "{}"); err != nil {
			t.Fatal(err)
		}
	}
	const complaint = "sluice: no worker takes notifications in, and 3 are there: start one, with `sluice up` or by itself\n"
	for _, state := range []string{"before the first worker", "behind the last worker"} {
		got := run(t, "status", "--json", "--nats", server.URL(), "--interval=0")
		const waiting = `{"kind":"intake","waiting":3,"under_way":0,"workers":0,"parked":0,"due":0,"dead":0,"oldest_at":"`
		if got.code != 1 || got.stderr != complaint || !strings.Contains(got.stdout, waiting) {
			t.Errorf("%s: got %+v", state, got)
		}
		// Opening makes the consumers, and nobody asks them for anything.
		for shard := range streams.Shards() {
			if _, err := streams.Intake(testContext(t), shard); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestStreamThatIsNearlyFullNeedsSomebody(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, func(s *config.Streams) {
		s.Notifications.MaxBytes, s.Events.MaxBytes, s.DeadLetters.MaxBytes = 64<<10, 64<<10, 64<<10
	})
	for id := 0; ; id++ {
		if err := notify(t, streams, id, strings.Repeat("x", 4<<10)); errors.Is(err, stream.ErrFull) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	got := run(t, "status", "--nats", server.URL(), "--interval=0")
	if want := regexp.MustCompile(`(?m)^sluice: stream NOTIFICATIONS has used \d\d % of its capacity and takes nothing more when it is full: .*` +
		`streams\.notifications\.max_bytes$`); got.code != 1 || !want.MatchString(got.stderr) {
		t.Errorf("got %+v", got)
	}
}

func TestGatewayOfTheDataFolderIsAsked(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	server.Open(t)
	address := deadAddress(t)
	for name, test := range map[string]struct {
		answer http.HandlerFunc // nil where nobody listens
		code   int
		state  string
	}{
		"ready":       {answering(200, `{"status":"ready"}`), 0, "ready"},
		"not ready":   {answering(503, `{"code":"not_ready","message":"It can't."}`), 1, "not ready: it answered 503, It can't."},
		"no gateway":  {answering(404, "<html>"), 1, "not ready: it answered 404, Not Found"},
		"not running": {nil, 1, "nothing listens at " + address + "; is `sluice up` running?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := "http://" + address
			if test.answer != nil {
				g := startGateway(t, test.answer)
				url = g.URL
				defer func() {
					if !slices.Equal(g.requests, []string{`GET /readyz  [] `, `GET /readyz  [] `}) {
						t.Errorf("requests %q", g.requests)
					}
				}()
			}
			dir := dataFolder(t, local.Description{NATSURL: server.URL(), GatewayURL: url})
			var want result
			document := fmt.Sprintf(`{"kind":"gateway","url":%q,"ready":true}`, url)
			if want.code = test.code; test.code != 0 {
				want.stderr = "sluice: the gateway at " + url + " takes nothing in: " + test.state + "\n"
				document = fmt.Sprintf(`{"kind":"gateway","url":%q,"ready":false,"error":%q}`, url, test.state)
			}
			for flag, line := range map[string]string{"--json=false": "\ngateway at " + url + ": " + test.state + "\n", "--json": "\n" + document + "\n"} {
				got := run(t, "status", flag, "--data", dir, "--interval=0")
				if got.code != want.code || got.stderr != want.stderr || !strings.Contains(got.stdout, line) {
					t.Errorf("got %+v\nwant %+v with %s", got, want, line)
				}
			}
		})
	}
}

func TestStatusHasItsExitCodeThoughNobodyReadsIt(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	for _, code := range []int{0, 1} {
		var stderr bytes.Buffer
		got := cli.Run(testContext(t), cli.Process{
			Args: []string{"status", "--nats", server.URL(), "--interval=0"}, Stdout: goneReader(t), Stderr: &stderr,
		})
		if got != code {
			t.Errorf("exit code %d, want %d; standard error %q", got, code, stderr.String())
		}
		if err := notify(t, streams, 1, "{}"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInterruptedListIsAFailure(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	publish(t, streams, sampleEvent(streams, 1))
	for _, command := range []string{"events", "status"} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var stdout, stderr bytes.Buffer
		code := cli.Run(ctx, cli.Process{Args: []string{command, "--nats", server.URL()}, Stdout: &stdout, Stderr: &stderr})
		if code != 1 || stderr.String() != "sluice: interrupted\n" || stdout.Len() > 0 {
			t.Errorf("%s: exit code %d, standard output %q, standard error %q", command, code, stdout.String(), stderr.String())
		}
	}
}
