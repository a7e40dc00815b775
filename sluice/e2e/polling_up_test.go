//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice.internal/shared/greenapi/mock"
)

// TestUpPollsAndServesABot is what docs/green-api.md promises of one process: it polls two instances, and a loop that receives,
// answers and deletes, as an existing bot does with the instance's own token, goes on over kills.
func TestUpPollsAndServesABot(t *testing.T) {
	t.Parallel()
	const each = 40
	instances := []string{"1101000001", "1101000002"}
	api := mock.New(mock.Options{})
	file := polling(t, api, instances)
	data, address := filepath.Join(t.TempDir(), "data"), freeAddress(t)
	start := func() *process {
		p := run(t, "sluice", "up", "--config", file, "--data", data, "--gateway-listen", address, "--nats-listen", "127.0.0.1:0")
		p.waitFor(ready)
		return p
	}
	p := start()
	caller := &caller{t: t, url: "http://" + address}
	for _, id := range instances {
		// Before its first question a bot has no beginning.
		if answer := caller.ask("GET", id, "receiveNotification", "?receiveTimeout=1", nil); string(answer) != "null" {
			t.Fatalf("a new bot is answered %q", answer)
		}
		for number := range each {
			api.Instance(id).Push(polledBody(id, number+1))
		}
	}
	answered := map[string]int{}
	for turn := 0; answered[instances[0]] < each || answered[instances[1]] < each; turn++ {
		if turn%25 == 24 {
			if err := syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			p.exit()
			p = start()
		}
		if turn > 20*each {
			t.Fatalf("after %d turns %v were answered", turn, answered)
		}
		id := instances[turn%2]
		answered[id] = max(answered[id], caller.turn(id))
	}
	for _, id := range instances {
		checkSent(t, api.Instance(id).Sent(), each)
	}
	if waiting := api.Waiting(); waiting > 0 {
		t.Errorf("%d wait at GREEN-API", waiting)
	}
	if events := listed(t, each*len(instances), "events", "--data", data, "--json"); len(events) != each*len(instances) {
		t.Errorf("%d events", len(events))
	}
	if out, code := sluice(t, "audit", "--data", data); code != 0 {
		t.Errorf("the audit found something:\n%s", out)
	}
	if strings.Contains(p.printed(), instanceToken) {
		t.Errorf("a token is printed:\n%s", p.printed())
	}
}

// polling writes a configuration that polls instances of the API that is played, and has a bot with their own token.
func polling(t *testing.T, api *mock.API, instances []string) (file string) {
	t.Helper()
	server, folder := httptest.NewServer(api), t.TempDir()
	t.Cleanup(server.Close)
	token := filepath.Join(folder, "instance-token")
	if err := os.WriteFile(token, []byte(instanceToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var config strings.Builder
	config.WriteString("sources:\n  green-api:\n    instances:\n")
	for _, id := range instances {
		api.Add(id, instanceToken)
		fmt.Fprintf(&config, "      %q: {receive: http-api, api_url: %q, token_file: %q, wait: 5s}\n", id, server.URL, token)
	}
	config.WriteString("bots:\n  crm: {}\n")
	file = filepath.Join(folder, "sluice.yaml")
	write(t, file, config.String())
	return file
}

// checkSent holds that each number was answered, in its order. What was under way at a kill may be there twice.
func checkSent(t *testing.T, sent []mock.Sent, count int) {
	t.Helper()
	last := 0
	for _, message := range sent {
		number := 0
		if _, err := fmt.Sscanf(string(message.Body), `{"chatId":"79001234567@c.us","message":"got %d"}`, &number); err != nil || message.Method != "sendMessage" {
			t.Fatalf("%s was called with %q: %v", message.Method, message.Body, err)
		}
		if number != last && number != last+1 {
			t.Errorf("the answer to %d comes behind that to %d", number, last)
		}
		last = number
	}
	if last != count {
		t.Errorf("%d of %d were answered", last, count)
	}
}

// caller is a loop of curl.
type caller struct {
	t   *testing.T
	url string
}

// turn receives, answers and deletes one notification, and returns its number when all of that was done.
func (c *caller) turn(id string) (number int) {
	var head struct {
		Receipt int64           `json:"receiptId"`
		Body    json.RawMessage `json:"body"`
	}
	answer := c.ask("GET", id, "receiveNotification", "?receiveTimeout=2", nil)
	if answer == nil || string(answer) == "null" {
		return 0
	}
	if err := json.Unmarshal(answer, &head); err != nil {
		c.t.Fatalf("receiveNotification is answered %q: %v", answer, err)
	}
	if _, err := fmt.Sscanf(string(head.Body[bytes.LastIndex(head.Body, []byte("number")):]), "number %d", &number); err != nil {
		c.t.Fatal(err)
	}
	text := fmt.Sprintf(`{"chatId":"79001234567@c.us","message":"got %d"}`, number)
	if sent := c.ask("POST", id, "sendMessage", "", strings.NewReader(text)); !bytes.Contains(sent, []byte("idMessage")) {
		return 0
	}
	if deleted := c.ask("DELETE", id, "deleteNotification", fmt.Sprintf("/%d", head.Receipt), nil); string(deleted) != `{"result":true,"reason":""}` {
		return 0
	}
	return number
}

func (c *caller) ask(verb, id, method, rest string, body io.Reader) []byte {
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, verb, c.url+"/waInstance"+id+"/"+method+"/"+instanceToken+rest, body)
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return nil
	}
	return answer
}
