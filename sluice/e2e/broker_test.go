//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

const (
	kills   = 10
	senders = 24
)

// sender posts notifications as GREEN-API does: one at a time, and the same again until it gets a 200.
type sender struct {
	client *http.Client
	url    string
	number int
}

// body is the number-th notification of a sender.
func (s sender) body(number int) string {
	return fmt.Sprintf(`{"typeWebhook":"incomingCall","instanceData":{"idInstance":%d,"wid":"1@c.us","typeInstance":"whatsapp"},`+
		`"from":"2@c.us","idMessage":"%d-%d","timestamp":1749207600}`, s.number, s.number, number)
}

func (s sender) post(ctx context.Context, body string) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer a-token-for-the-test")
	response, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // The connection serves the next one.
	return response.StatusCode, nil
}

func TestKilledBrokerLosesNoNotificationThatWasAnswered(t *testing.T) {
	t.Parallel()
	address, config := freeAddress(t), filepath.Join(t.TempDir(), "nats.conf")
	write(t, config, "listen: \""+address+"\"\nmax_payload: 9MB\njetstream { store_dir: \""+t.TempDir()+"\", sync_interval: always }\n")
	broker := run(t, "nats-server", "-c", config)
	broker.waitFor("Server is ready")
	url := "nats://" + address

	token := filepath.Join(t.TempDir(), "token")
	write(t, token, "a-token-for-the-test\n")
	hook := freeAddress(t)
	edge := program(t, "gateway", "--nats-url", url, "--listen", hook)
	edge.Env = append(os.Environ(), "SLUICE_SOURCES_GREEN_API_TOKEN_FILE="+token)
	gateway := runCommand(t, edge)
	gateway.waitFor("gateway listening")
	worker := run(t, "worker", "--nats-url", url)
	worker.waitFor("worker started")

	sent := sendWhile(t, "http://"+hook+"/green-api/webhook/", func() {
		for range kills {
			time.Sleep(500 * time.Millisecond) // Load for a while between two kills.
			broker.signal(syscall.SIGKILL)
			broker.exit()
			broker = run(t, "nats-server", "-c", config)
			broker.waitFor("Server is ready")
		}
		time.Sleep(500 * time.Millisecond)
	})
	t.Logf("%d notifications through %d kills", len(sent), kills)
	if len(sent) < kills*senders {
		t.Errorf("only %d notifications were sent", len(sent))
	}
	checkOneEventEach(t, url, sent)
	for name, p := range map[string]*process{"gateway": gateway, "worker": worker} {
		if lines := strings.Count(p.printed(), `"level":"ERROR"`) + strings.Count(p.printed(), `"level":"WARN"`); lines > 12*kills {
			t.Errorf("the %s wrote %d lines at WARN and ERROR for %d kills", name, lines, kills)
		}
	}
}

// sendWhile lets all senders post until disturb returns, and each finish what it is at. It returns the ids of all
// notifications; each was answered 200 in the end.
func sendWhile(t *testing.T, url string, disturb func()) map[string]bool {
	t.Helper()
	var (
		group sync.WaitGroup
		mutex sync.Mutex
		sent  = map[string]bool{}
		done  = make(chan struct{})
	)
	for number := range senders {
		group.Go(func() {
			s := sender{client: &http.Client{Transport: &http.Transport{}}, url: url, number: number}
			defer s.client.CloseIdleConnections()
			for next := 0; ; next++ {
				select {
				case <-done:
					return
				default:
				}
				untilAnswered(t, s, s.body(next))
				mutex.Lock()
				sent[fmt.Sprintf("%d-%d", number, next)] = true
				mutex.Unlock()
			}
		})
	}
	disturb()
	close(done)
	group.Wait()
	return sent
}

func untilAnswered(t *testing.T, s sender, body string) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for {
		status, err := s.post(context.Background(), body)
		if status == http.StatusOK {
			return
		}
		if err == nil && status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			t.Errorf("status %d, error %v", status, err)
			return
		}
	}
}

// checkOneEventEach waits until every notification is an event and checks that none is two.
func checkOneEventEach(t *testing.T, url string, sent map[string]bool) {
	t.Helper()
	conn, err := stream.Connect(streamtest.At(t, url), t.Name(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	streams, err := admin.Attach(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for event, err := range streams.Events(ctx, admin.Query{Follow: true}) {
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(event.Body), `"idMessage":"`)
		id, _, _ := strings.Cut(rest, `"`)
		if seen[id]++; seen[id] > 1 {
			t.Errorf("notification %s became %d events", id, seen[id])
		}
		if len(seen) == len(sent) {
			break
		}
	}
	for id := range sent {
		if seen[id] == 0 {
			t.Errorf("notification %s was answered 200 and is no event", id)
		}
	}
}
