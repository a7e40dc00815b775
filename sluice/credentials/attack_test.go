package credentials_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/sluice/credentials"
)

// held are the streams with how many messages each has, as the operator sees them.
func held(t *testing.T, url string, folder credentials.Folder) map[string]uint64 {
	t.Helper()
	conn := connected(t, url, folder, credentials.Operator, "sluice command", slog.New(slog.DiscardHandler))
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	counts := map[string]uint64{}
	list := js.ListStreams(ctx)
	for info := range list.Info() {
		counts[info.Config.Name] = info.State.Msgs
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return counts
}

// limits are what a role may not do.
type limits struct {
	inbox string
	// refused are requests that the server does not take, with their bodies. Those of everybody's list are added.
	refused map[string]string
	// allowed are prefixes of requests in everybody's list that are this role's to make.
	allowed []string
	// deaf are subjects that it may not listen to.
	deaf []string
	// puts are subjects that it may publish to, one of each kind.
	puts []string
	// into are the streams in which it may leave something that way.
	into []string
	// near says that no account is between the role and the streams. What the server answers to it reaches everything then,
	// and its limits are against mistakes; docs/operate.md says so.
	near bool
}

// edges are the requests that are refused to everybody in the account EDGE, and some more.
func edges(more ...string) map[string]string {
	refused := map[string]string{
		"events.0.green-api.incomingCall.1": "", "dead.invalid.green-api.incomingCall": "", "operation.forged": "", "reply.forged": "",
		"$JS.API.STREAM.MSG.GET.REPLIES":                    `{"last_by_subj":"reply.>"}`,
		"$JS.API.STREAM.INFO.EVENTS":                        `{"subjects_filter":">"}`,
		"$JS.API.DIRECT.GET.EVENTS":                         `{"last_by_subj":"events.>"}`,
		"$JS.API.STREAM.MSG.GET.EVENTS":                     `{"last_by_subj":"events.>"}`,
		"$JS.API.STREAM.MSG.GET.NOTIFICATIONS":              `{"last_by_subj":"in.>"}`,
		"$JS.API.CONSUMER.CREATE.EVENTS":                    `{"stream_name":"EVENTS","config":{"deliver_subject":"_INBOX_gateway.x"}}`,
		"$JS.API.CONSUMER.MSG.NEXT.EVENTS.default-0":        "",
		"$JS.ACK.NOTIFICATIONS.shard-0.1.1.1.1.0":           "",
		"region.north.api.STREAM.INFO.REGION_NORTH":         "",
		"$JS.API.CONSUMER.RESET.NOTIFICATIONS.shard-0":      "",
		"$JS.API.STREAM.RESTORE.NOTIFICATIONS":              "{}",
		"$JS.API.CONSUMER.DELETE.NOTIFICATIONS.shard-0":     "",
		"$JS.API.CONSUMER.PAUSE.NOTIFICATIONS.shard-0":      "{}",
		"$JS.API.STREAM.LEADER.STEPDOWN.NOTIFICATIONS":      "",
		"$JS.API.STREAM.PEER.REMOVE.NOTIFICATIONS":          "{}",
		"$JS.API.CONSUMER.DURABLE.CREATE.NOTIFICATIONS.own": "{}",
	}
	for _, subject := range more {
		refused[subject] = ""
	}
	return refused
}

// roles are the limits of each role. What a region and a server without the secret may not do stands in tests of its own.
func roles() map[string]limits {
	trimmed := []string{"$JS.API.STREAM.PURGE.NOTIFICATIONS", "$JS.API.STREAM.PURGE.EVENTS", "$JS.API.STREAM.PURGE.RETRIES", "$JS.API.STREAM.PURGE.REJECTIONS"}
	return map[string]limits{
		credentials.Gateway: {
			inbox:   "_INBOX_gateway",
			refused: edges("lease.poll.forged", "state.poll.forged"),
			deaf:    []string{">", "in.>", "events.>", "_INBOX_worker.>", "_INBOX_poller.>", "_INBOX_command.>", "$JS.>"},
			puts:    []string{"in.0.green-api", "rejected.forged.green-api", "alert.forged", "probe.forged", "notifications.info", "$JS.API.STREAM.INFO.NOTIFICATIONS"},
			into:    []string{stream.Notifications, stream.Rejections, stream.Alerts, stream.Probes},
		},
		credentials.Poller: {
			inbox:   "_INBOX_poller",
			refused: edges("lease.other.forged", "state.other.forged", "$JS.API.DIRECT.GET.STATES", "$JS.API.STREAM.INFO.STATES"),
			deaf:    []string{">", "in.>", "events.>", "lease.>", "state.>", "_INBOX_worker.>", "_INBOX_gateway.>", "_INBOX_command.>", "$JS.>"},
			puts:    []string{"in.0.green-api", "rejected.forged.green-api", "alert.forged", "probe.forged", "notifications.info", "lease.poll.forged", "state.poll.forged"},
			into:    []string{stream.Notifications, stream.Rejections, stream.Alerts, stream.Probes, stream.States},
		},
		credentials.Receiver: {
			inbox: "_INBOX_receiver",
			refused: map[string]string{
				"in.0.green-api": "", "events.0.green-api.incomingCall.1": "", "dead.invalid.green-api.incomingCall": "", "operation.forged": "",
				"lease.poll.forged": "", "state.poll.forged": "", "position.other.forged": "", "rejected.forged.green-api": "", "reply.forged": "",
				"$JS.API.DIRECT.GET.NOTIFICATIONS":             `{"last_by_subj":"in.>"}`,
				"$JS.API.DIRECT.GET.DEAD_LETTERS":              `{"last_by_subj":"dead.>"}`,
				"$JS.API.STREAM.MSG.GET.EVENTS":                `{"last_by_subj":"events.>"}`,
				"$JS.API.STREAM.MSG.GET.STATES":                `{"last_by_subj":"state.>"}`,
				"$JS.API.STREAM.INFO.NOTIFICATIONS":            "",
				"$JS.API.CONSUMER.CREATE.EVENTS":               `{"stream_name":"EVENTS","config":{"deliver_subject":"_INBOX_receiver.x"}}`,
				"$JS.API.CONSUMER.MSG.NEXT.EVENTS.default-0":   "",
				"$JS.API.CONSUMER.RESET.NOTIFICATIONS.shard-0": "",
			},
			deaf: []string{">", "in.>", "dead.>", "position.>", "_INBOX_worker.>", "_INBOX_gateway.>", "_INBOX_command.>", "$JS.>"},
			puts: []string{"position.bot.forged", "state.bot.forged", "alert.forged", "bots.events", "bots.info", "bots.positions"},
			into: []string{stream.Positions, stream.States, stream.Alerts},
		},
		credentials.Worker: {
			inbox:   "_INBOX_worker",
			refused: map[string]string{"in.0.green-api": "", "rejected.forged.green-api": ""},
			allowed: append(trimmed, "$JS.API.STREAM.UPDATE."),
			deaf:    []string{">", "in.>", "events.>", "_INBOX_gateway.>", "_INBOX_command.>", "$JS.>"},
			puts:    []string{"events.3.green-api.forged.1"},
			near:    true,
		},
		credentials.Operator: {
			inbox:   "_INBOX_command",
			refused: map[string]string{"events.0.green-api.incomingCall.1": "", "$SYS.REQ.SERVER.PING": ""},
			allowed: []string{"$JS.API."},
			deaf:    []string{">", "in.>", "events.>", "_INBOX_gateway.>", "_INBOX_worker.>"},
			puts:    []string{"in.0.green-api"},
			near:    true,
		},
		credentials.Admin: {
			inbox: "_INBOX",
			refused: map[string]string{
				"$JS.API.STREAM.MSG.GET.NOTIFICATIONS": `{"seq":1}`, "$JS.API.STREAM.INFO.NOTIFICATIONS": "",
				"$JS.API.DIRECT.GET.NOTIFICATIONS": `{"seq":1}`, "$NRG.forged": "", "in.0.green-api": "",
			},
			// The servers replicate messages on $NRG, and tell on $JS.EVENT what they answered.
			deaf: []string{">", "$NRG.>", "$JS.>", "_R_.>"},
			puts: []string{"$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.JSZ"},
		},
	}
}

// everybodys are requests that no role needs for its work: copies, streams of another name and emptied ones are a way
// around what it may read and delete.
func everybodys(streams map[string]uint64) map[string]string {
	requests := map[string]string{
		"$JS.API.STREAM.CREATE.COPY":   `{"name":"COPY","storage":"file","mirror":{"name":"EVENTS"}}`,
		"$JS.API.STREAM.CREATE.LAST":   `{"name":"LAST","storage":"file","sources":[{"name":"EVENTS"}]}`,
		"$JS.API.STREAM.NAMES":         ``,
		"$JS.API.STREAM.LIST":          ``,
		"$JS.API.ACCOUNT.PURGE.SLUICE": ``,
	}
	for name := range streams {
		requests["$JS.API.STREAM.DELETE."+name] = ``
		requests["$JS.API.STREAM.PURGE."+name] = ``
		requests["$JS.API.STREAM.UPDATE."+name] = `{"name":"` + name + `","max_msgs":1,"sources":[{"name":"EVENTS"}]}`
		requests["$JS.API.STREAM.SNAPSHOT."+name] = `{"deliver_subject":"_INBOX.copy"}`
		requests["$JS.API.STREAM.MSG.DELETE."+name] = `{"seq":1}`
	}
	return requests
}

// JetStream answers with its own rights, to whatever subject a message names for the answer. So each role is tried with what
// it asks for, with what it listens to, and with what it names for answers.
func TestNoRoleMayDoMore(t *testing.T) { //nolint:paralleltest // The configuration reads variables.
	for role, limits := range roles() {
		t.Run(role, func(t *testing.T) {
			url, folder := shipped(t)
			log := slog.New(slog.DiscardHandler)
			opened(t, connected(t, url, folder, credentials.Worker, "sluice worker default", log), log)
			before := held(t, url, folder)
			for subject, body := range limits.requests(before) {
				if err := refusalOf(t, url, folder.Seed(role), limits.inbox, subject, body); err == nil {
					t.Errorf("%s may ask for %s", role, subject)
				}
			}
			for _, subject := range limits.deaf {
				if err := deafness(t, url, folder.Seed(role), subject); err == nil {
					t.Errorf("%s may listen to %s", role, subject)
				}
			}
			limits.forge(t, url, folder.Seed(role), before)
			if limits.near {
				destroyed(t, url, folder, before)
				return
			}
			answered(t, url, folder)
			limits.compare(t, before, held(t, url, folder))
		})
	}
	url, _ := shipped(t)
	if _, err := nats.Connect(url); err == nil {
		t.Error("somebody without a key gets in")
	}
}

// requests are all that have to be refused.
func (l limits) requests(streams map[string]uint64) map[string]string {
	requests := everybodys(streams)
	maps.DeleteFunc(requests, func(subject, _ string) bool {
		another := strings.HasSuffix(subject, ".COPY") || strings.HasSuffix(subject, ".LAST")
		return slices.ContainsFunc(l.allowed, func(prefix string) bool { return strings.HasPrefix(subject, prefix) }) && (l.near || !another)
	})
	maps.Copy(requests, l.refused)
	return requests
}

// forge publishes what the role may publish, with all kinds of headers, and has the answers sent where it may not send.
func (l limits) forge(t *testing.T, url, seed string, streams map[string]uint64) {
	t.Helper()
	conn, _ := client(t, url, seed, nats.CustomInboxPrefix(l.inbox))
	replies := []string{
		"events.3.green-api.forged.1", "dead.invalid.green-api.forged", "operation.forged", "object.forged",
		"retry.default.3.forged", "due.default.3.forged",
	}
	for name := range streams {
		replies = append(replies, "$JS.API.STREAM.DELETE."+name, "$JS.API.STREAM.PURGE."+name,
			"$JS.API.STREAM.UPDATE."+name, "$JS.API.CONSUMER.DELETE."+name+".shard-0")
	}
	for i, reply := range replies {
		for j, subject := range l.puts {
			for _, header := range []nats.Header{
				{},
				// An intermediate message of a batch is answered with nothing, as a request to delete a stream is.
				{"Nats-Batch-Id": {fmt.Sprintf("batch-%d-%d", i, j)}, "Nats-Batch-Sequence": {"1"}},
				{"Nats-Rollup": {"all"}},
				{"Nats-Schedule": {"@at 2020-01-01T00:00:00Z"}, "Nats-Schedule-Target": {reply}},
				{"Nats-Request-Info": {`{"acc":"SLUICE"}`}},
			} {
				err := conn.PublishMsg(&nats.Msg{Subject: subject, Reply: reply, Header: header})
				if batch := header.Get("Nats-Batch-Id"); batch != "" && err == nil {
					// It ends here, since the server has only 50 of a stream open and would refuse the next ones.
					err = conn.PublishMsg(&nats.Msg{Subject: subject, Header: nats.Header{
						"Nats-Batch-Id": {batch}, "Nats-Batch-Sequence": {"2"}, "Nats-Batch-Commit": {"1"},
					}})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := conn.FlushTimeout(timeout); err != nil {
		t.Fatal(err)
	}
}

// answered waits until the server has dealt with its answers: with that to the operator at the end, which deletes a stream.
func answered(t *testing.T, url string, folder credentials.Folder) {
	t.Helper()
	conn, _ := client(t, url, folder.Seed(credentials.Operator), nats.CustomInboxPrefix("_INBOX_command"))
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "LAST_ANSWER", Storage: jetstream.FileStorage}); err != nil {
		t.Fatal(err)
	}
	err = conn.PublishMsg(&nats.Msg{Subject: "in.0.green-api", Reply: "$JS.API.STREAM.DELETE.LAST_ANSWER", Header: nats.Header{
		"Nats-Batch-Id": {"last"}, "Nats-Batch-Sequence": {"1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(timeout); ; time.Sleep(5 * time.Millisecond) {
		if _, err := js.Stream(t.Context(), "LAST_ANSWER"); errors.Is(err, jetstream.ErrStreamNotFound) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the server's answer deleted nothing: docs/operate.md says that it can")
		}
	}
}

// compare holds what the streams had against what they have.
func (l limits) compare(t *testing.T, before, after map[string]uint64) {
	t.Helper()
	for name, count := range before {
		now, there := after[name]
		if !there {
			t.Errorf("%s was deleted", name)
		} else if now != count && !slices.Contains(l.into, name) {
			t.Errorf("%s had %d messages and has %d", name, count, now)
		}
	}
}

// destroyed waits until a stream is gone. Should a new version of NATS check where answers go, the documents can say so.
func destroyed(t *testing.T, url string, folder credentials.Folder, before map[string]uint64) {
	t.Helper()
	for deadline := time.Now().Add(timeout); len(held(t, url, folder)) == len(before); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server's answers deleted nothing: docs/operate.md says that they can")
		}
	}
}

// Concurrent requests share a sync through atomic batches, whose messages have to reach the stream together also from
// the gateways' account.
func TestBatchOfAGatewayIsStoredAsAWhole(t *testing.T) { //nolint:paralleltest // The configuration reads variables.
	url, folder := shipped(t)
	log := slog.New(slog.DiscardHandler)
	opened(t, connected(t, url, folder, credentials.Worker, "sluice worker default", log), log)
	conn, _ := client(t, url, folder.Seed(credentials.Gateway), nats.CustomInboxPrefix("_INBOX_gateway"))
	const size = 500
	for i := 1; i < size; i++ {
		err := conn.PublishMsg(&nats.Msg{Subject: "in.0.green-api", Data: []byte("x"), Header: nats.Header{
			"Nats-Batch-Id": {"whole"}, "Nats-Batch-Sequence": {fmt.Sprint(i)},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	answer, err := conn.RequestMsg(&nats.Msg{Subject: "in.0.green-api", Data: []byte("x"), Header: nats.Header{
		"Nats-Batch-Id": {"whole"}, "Nats-Batch-Sequence": {fmt.Sprint(size)}, "Nats-Batch-Commit": {"1"},
	}}, timeout)
	if err != nil {
		t.Fatal(err)
	}
	var ack struct {
		Sequence uint64 `json:"seq"`
		Count    int    `json:"count"`
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil || ack.Sequence != size || ack.Count != size {
		t.Errorf("answered %s, error %v", answer.Data, err)
	}
}

// A server that joins is believed about who its users are.
func TestServerWithoutTheSecretBecomesNoNode(t *testing.T) {
	route := ports(t, 1)[0]
	folder := madeFor(t, route)
	dir := copied(t, folder, `$SLUICE_LISTEN`, `"127.0.0.1:-1"`, `http: "127.0.0.1:8222"`, "",
		`$SLUICE_STORE_DIR`, `"`+storeDir(t)+`"`, `$SLUICE_CLUSTER_LISTEN`, `"`+route+`"`)
	t.Setenv("SLUICE_NODE", "node")
	t.Setenv("SLUICE_STORE", "50GB")
	node := started(t, filepath.Join(dir, "cluster.conf"))
	if !node.ReadyForConnections(timeout) {
		t.Fatal("the node did not start")
	}
	password := regexp.MustCompile(`password: "([^"]+)"`).FindStringSubmatch(content(t, folder.Routes()))[1]
	for login, want := range map[string]bool{
		`"user":"node","pass":"` + password + `"`: true,
		`"user":"node","pass":"wrong"`:            false,
		`"user":"node"`:                           false,
	} {
		if got := joins(t, route, login); got != want {
			t.Errorf("with %s it becomes a node: %t, want %t", login, got, want)
		}
	}
}

// joins reports whether a node takes a server with that login as another one.
func joins(t *testing.T, address, login string) bool {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(timeout))
	reader := bufio.NewReader(conn)
	if line, err := reader.ReadString('\n'); err != nil || !strings.HasPrefix(line, "INFO ") {
		t.Fatalf("it says %q, error %v", line, err)
	}
	info := `"server_id":"ROGUE","server_name":"rogue","host":"127.0.0.1","port":1,"headers":true,"proto":1,"max_payload":1048576,"cluster":"sluice"`
	fmt.Fprintf(conn, "CONNECT {%s,\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\"name\":\"ROGUE\",\"headers\":true,\"cluster\":\"sluice\"}\r\n"+
		"INFO {%s}\r\nPING\r\n", login, info)
	for {
		line, err := reader.ReadString('\n')
		switch {
		case err != nil || strings.HasPrefix(line, "-ERR"):
			return false
		case strings.HasPrefix(line, "PONG"):
			return true
		}
	}
}
