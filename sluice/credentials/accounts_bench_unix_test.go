//go:build unix

package credentials_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"sluice.internal/sluice/credentials"
)

// BenchmarkAccountBetweenGatewayAndStreams measures what the account of the gateways costs: the same messages are stored
// with the gateway's key through the account's imports, and on a server of the same configuration without accounts. The
// two take turns, so that what else the machine does hits both. Reported are, of the rounds' medians, messages a second and
// processor time a message of client and server together, and the share of messages a second that is left with accounts.
func BenchmarkAccountBetweenGatewayAndStreams(b *testing.B) {
	rounds := map[string]struct {
		size int
		send func(b *testing.B, conn *nats.Conn, answers *nats.Subscription, round int)
	}{
		"256 publishes":    {256, publishes},
		"one batch of 500": {500, batch},
	}
	for name, round := range rounds {
		for disk, sync := range map[string]string{"synced": "sync_interval: always", "not synced": ""} {
			b.Run(name+", "+disk, func(b *testing.B) {
				var took, used [2][]time.Duration
				conns, answers := pair(b, sync)
				for i := range conns {
					round.send(b, conns[i], answers[i], -1) // The first round pays for what is made once.
				}
				for n := 0; b.Loop(); n++ {
					// Who begins changes, because the second one finds the disk busy.
					for turn := range conns {
						i := (turn + n) % len(conns)
						start, before := time.Now(), processor(b)
						round.send(b, conns[i], answers[i], n)
						took[i], used[i] = append(took[i], time.Since(start)), append(used[i], processor(b)-before)
					}
				}
				for i, with := range []string{"accounts", "plain"} {
					b.ReportMetric(float64(round.size)/median(took[i]).Seconds(), with+"/s")
					b.ReportMetric(float64(median(used[i]).Nanoseconds())/float64(round.size)/1000, with+"-cpu-µs")
				}
				b.ReportMetric(median(took[1]).Seconds()/median(took[0]).Seconds(), "share")
			})
		}
	}
}

// processor is how much processor time this process has used so far.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(durations []time.Duration) time.Duration {
	slices.Sort(durations)
	return durations[len(durations)/2]
}

// pair are connections to a server with accounts, as a gateway, and to one without.
func pair(b *testing.B, sync string) (conns [2]*nats.Conn, answers [2]*nats.Subscription) {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	folder := credentials.Folder{Dir: b.TempDir()}
	if _, err := folder.Make(); err != nil {
		b.Fatal(err)
	}
	b.Setenv("SLUICE_NODE", "bench")
	b.Setenv("SLUICE_STORE", "50GB")
	for i, replace := range [][]string{nil, {`include "roles.conf"`, ""}} {
		replace = append(replace, `$SLUICE_LISTEN`, `"127.0.0.1:-1"`, `http: "127.0.0.1:8222"`, "",
			`$SLUICE_STORE_DIR`, fmt.Sprintf("%q", b.TempDir()), "sync_interval: always", sync)
		running := started(b, filepath.Join(copied(b, folder, replace...), "nats.conf"))
		if !running.ReadyForConnections(timeout) {
			b.Fatal("the server did not start")
		}
		url, inbox, options := running.ClientURL(), "_INBOX", []nats.Option{}
		if i == 0 {
			inbox = "_INBOX_gateway"
			key, err := nats.NkeyOptionFromSeed(folder.Seed(credentials.Gateway))
			if err != nil {
				b.Fatal(err)
			}
			options = append(options, key)
			opened(b, connected(b, url, folder, credentials.Worker, "sluice worker default", log), log, small)
		} else {
			plain, err := nats.Connect(url)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(plain.Close)
			opened(b, plain, log, small)
		}
		conn, err := nats.Connect(url, append(options, nats.CustomInboxPrefix(inbox))...)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(conn.Close)
		conns[i] = conn
		if answers[i], err = conn.SubscribeSync(conn.NewInbox()); err != nil {
			b.Fatal(err)
		}
	}
	return conns, answers
}

// benchBody is as large as a small notification.
func benchBody() []byte { return make([]byte, 700) }

// publishes stores 256 messages side by side.
func publishes(b *testing.B, conn *nats.Conn, answers *nats.Subscription, _ int) {
	b.Helper()
	for range 256 {
		if err := conn.PublishMsg(&nats.Msg{Subject: "in.0.green-api", Reply: answers.Subject, Data: benchBody()}); err != nil {
			b.Fatal(err)
		}
	}
	for range 256 {
		if _, err := answers.NextMsg(timeout); err != nil {
			b.Fatal(err)
		}
	}
}

// batch stores 500 messages as a whole.
func batch(b *testing.B, conn *nats.Conn, answers *nats.Subscription, round int) {
	b.Helper()
	const size = 500
	for i := 1; i <= size; i++ {
		message := &nats.Msg{Subject: "in.0.green-api", Data: benchBody(), Header: nats.Header{
			"Nats-Batch-Id": {fmt.Sprint("round", round)}, "Nats-Batch-Sequence": {fmt.Sprint(i)},
		}}
		if i == size {
			message.Reply = answers.Subject
			message.Header["Nats-Batch-Commit"] = []string{"1"}
		}
		if err := conn.PublishMsg(message); err != nil {
			b.Fatal(err)
		}
	}
	answer, err := answers.NextMsg(timeout)
	if err != nil {
		b.Fatal(err)
	}
	if want := fmt.Sprintf(`"count":%d`, size); !strings.Contains(string(answer.Data), want) {
		b.Fatalf("answered %s", answer.Data)
	}
}
