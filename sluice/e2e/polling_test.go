//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/greenapi/mock"
)

const (
	instanceToken = "apiTokenInstance-for-the-test"
	botToken      = "a-bots-token-for-the-test"
	// pushPause is between two notifications of an instance, so that they come all the while something is killed.
	pushPause = 60 * time.Millisecond
)

// polled are GREEN-API as it is played, the parts that poll it and hand out what came, and the bots.
type polled struct {
	*campaign

	api       *mock.API
	instances []string
	receivers []string // their addresses
	config    string
	pushed    map[string]int // by instance
}

func newPolled(t *testing.T, seed uint64) *polled {
	t.Helper()
	p := &polled{
		campaign: &campaign{t: t, random: rand.New(rand.NewPCG(seed, seed)), seed: seed, folder: keptFolder(t)},
		api:      mock.New(mock.Options{}), instances: []string{"1101000001", "1101000002", "310000000003"}, pushed: map[string]int{},
	}
	server := httptest.NewServer(p.api)
	t.Cleanup(server.Close)
	for _, id := range p.instances {
		p.api.Add(id, instanceToken).Faults(
			mock.Fault{Method: "receiveNotification", Name: "502", Chance: 0.02},
			mock.Fault{Method: "receiveNotification", Name: mock.FaultCut, Chance: 0.02},
			mock.Fault{Method: "receiveNotification", Name: mock.FaultTruncated, Chance: 0.02},
			mock.Fault{Method: "deleteNotification", Name: mock.FaultLoseDelete, Chance: 0.02},
			mock.Fault{Method: "deleteNotification", Name: "500", Chance: 0.02},
		)
	}
	p.startBroker()
	p.configure(server.URL)
	for number := range 2 {
		p.addPart(fmt.Sprintf("poller %d", number), "poller", "poller started")
		address := freeAddress(t)
		p.receivers = append(p.receivers, address)
		p.addPart(fmt.Sprintf("receiver %d", number), "receiver", "receiver listening", "--listen", address)
	}
	p.addPart("worker", "worker", "worker started")
	return p
}

func (p *polled) configure(api string) {
	file := func(name, content string) string {
		path := filepath.Join(p.folder, name)
		if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
			p.t.Fatal(err)
		}
		return path
	}
	var config strings.Builder
	fmt.Fprintf(&config, "sources:\n  green-api:\n    token_file: %s\n    instances:\n", file("token", "a-token-for-the-test"))
	token := file("instance-token", instanceToken)
	for _, id := range p.instances {
		fmt.Fprintf(&config, "      %q: {receive: http-api, api_url: %s, token_file: %s, wait: 5s}\n", id, api, token)
	}
	fmt.Fprintf(&config, "bots:\n  crm: {token_file: %[1]s}\n  shop: {token_file: %[1]s2}\n", file("bot-token", botToken))
	file("bot-token2", botToken+"2")
	p.config = file("sluice.yaml", strings.TrimSpace(config.String()))
}

// addPart starts a program that has a place in the system.
func (p *polled) addPart(name, command, started string, args ...string) {
	p.add(name, 5*time.Second, func() *process {
		part := run(p.t, command, append([]string{"--config", p.config, "--nats-url", p.url}, args...)...)
		part.waitFor(started)
		return part
	})
}

// push lets notifications come until the context ends, and returns how many.
func (p *polled) push(ctx context.Context, id string) (count int) {
	for ctx.Err() == nil {
		count++
		p.api.Instance(id).Push(polledBody(id, count))
		select {
		case <-ctx.Done():
		case <-time.After(pushPause):
		}
	}
	return count
}

func polledBody(id string, number int) []byte {
	return fmt.Appendf(nil, `{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":%s,"wid":"%s@c.us","typeInstance":"whatsapp"},`+
		`"timestamp":1588091580,"idMessage":"%s-%d","senderData":{"chatId":"79001234567@c.us","sender":"79001234567@c.us","senderName":"A"},`+
		`"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"number %d"}}}`, id, id, id, number, number)
}

// bot asks and deletes as GREEN-API's clients do, at one receiver and then another, and goes on whatever happens.
type bot struct {
	name, token, instance string
	receivers             []string
	client                *http.Client

	mutex sync.Mutex
	// heads are the numbers in the order in which they were handed out, deleted the greatest whose deletion was confirmed.
	heads   []int
	deleted int
	faults  []error
}

// ask asks the next receiver, and returns nothing where there is no answer.
func (b *bot) ask(ctx context.Context, turn int, method, call string) (answer []byte) {
	url := "http://" + b.receivers[turn%len(b.receivers)] + "/waInstance" + b.instance + call
	request, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		b.faults = append(b.faults, err)
		return nil
	}
	response, err := b.client.Do(request)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return nil
	}
	return answer
}

// run asks until the context ends.
func (b *bot) run(ctx context.Context) {
	for turn := 0; ctx.Err() == nil; turn++ {
		answer := b.ask(ctx, turn, http.MethodGet, "/receiveNotification/"+b.token+"?receiveTimeout=2")
		if answer == nil || string(answer) == "null" {
			continue
		}
		var head struct {
			Receipt int64           `json:"receiptId"`
			Body    json.RawMessage `json:"body"`
		}
		number := 0
		err := json.Unmarshal(answer, &head)
		if err == nil {
			_, err = fmt.Sscanf(string(head.Body[strings.LastIndex(string(head.Body), "number"):]), "number %d", &number)
		}
		if err == nil && string(head.Body) != string(polledBody(b.instance, number)) {
			err = errors.New("it is not to the byte what was pushed")
		}
		b.take(number, answer, err)
		if string(b.ask(ctx, turn+turn/3, http.MethodDelete, fmt.Sprintf("/deleteNotification/%s/%d", b.token, head.Receipt))) == `{"result":true,"reason":""}` {
			b.mutex.Lock()
			b.deleted = number
			b.mutex.Unlock()
		}
	}
}

// take holds a head against those before: the same one until it is deleted, then the next.
func (b *bot) take(number int, answer []byte, err error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if err != nil {
		b.faults = append(b.faults, fmt.Errorf("answer %q: %w", answer, err))
		return
	}
	last := 0
	if len(b.heads) > 0 {
		last = b.heads[len(b.heads)-1]
	}
	if number != last && number != last+1 || number <= b.deleted {
		b.faults = append(b.faults, fmt.Errorf("head %d comes behind %d, and %d was deleted", number, last, b.deleted))
	}
	b.heads = append(b.heads, number)
}

func (b *bot) last() int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.deleted
}

// TestPolledNotificationsReachEveryBotWhateverIsKilled lets notifications come at GREEN-API, as it is played, while pollers,
// receivers, the worker and the broker are killed, frozen and restarted at random. Each notification is one event, and each bot
// gets all of them in order, as its head until it deletes them.
func TestPolledNotificationsReachEveryBotWhateverIsKilled(t *testing.T) {
	t.Parallel()
	seed := *campaignSeed
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	t.Logf("-seed %d", seed)
	p := newPolled(t, seed)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var bots []*bot
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for name, token := range map[string]string{"crm": botToken, "shop": botToken + "2"} {
		for _, id := range p.instances {
			b := &bot{name: name, token: token, instance: id, receivers: p.receivers, client: &http.Client{Timeout: 10 * time.Second}}
			if answer := b.ask(ctx, 0, http.MethodGet, "/receiveNotification/"+token+"?receiveTimeout=1"); string(answer) != "null" {
				t.Fatalf("a new bot is answered %q", answer)
			}
			bots = append(bots, b)
			running.Go(func() { b.run(ctx) })
		}
	}
	pushing, stop := context.WithCancel(ctx)
	defer stop()
	var push sync.WaitGroup
	pushed := make([]int, len(p.instances))
	for i, id := range p.instances {
		push.Go(func() { pushed[i] = p.push(pushing, id) })
	}
	t.Logf("%d disturbances", p.disturb(*campaignTime))
	stop()
	push.Wait()
	for i, id := range p.instances {
		p.pushed[id] = pushed[i]
	}
	p.everybodyRuns()
	total := p.await(bots)
	cancel()
	running.Wait()
	p.check(bots, total)
}

// await waits until everything was polled and every bot has deleted everything.
func (p *polled) await(bots []*bot) (total int) {
	p.t.Helper()
	for _, count := range p.pushed {
		total += count
	}
	// A lease of a killed poller lasts for a minute.
	for deadline := time.Now().Add(4 * timeout); ; time.Sleep(time.Second) {
		behind := p.api.Waiting()
		for _, b := range bots {
			behind += p.pushed[b.instance] - b.last()
		}
		if behind == 0 {
			return total
		}
		if time.Now().After(deadline) {
			for _, b := range bots {
				p.t.Logf("bot %s of instance %s has deleted %d of %d: %v", b.name, b.instance, b.last(), p.pushed[b.instance], b.faults)
			}
			p.t.Fatalf("%d are still to be polled, %d to be polled or deleted by a bot", p.api.Waiting(), behind)
		}
	}
}

func (p *polled) check(bots []*bot, total int) {
	p.t.Helper()
	repeated := 0
	for _, b := range bots {
		for _, fault := range b.faults {
			p.t.Errorf("bot %s of instance %s: %v", b.name, b.instance, fault)
		}
		repeated += len(b.heads) - len(slices.Compact(slices.Clone(b.heads)))
	}
	settle(p.t, "--nats", p.url)
	events := listed(p.t, total, "events", "--json", "--nats", p.url)
	if len(events) != total {
		p.t.Errorf("%d events of %d notifications", len(events), total)
	}
	for _, told := range listed(p.t, len(bots), "bots", "--json", "--nats", p.url) {
		instance, _ := told["instance"].(string)
		if number(told, "waiting") != 0 || number(told, "passed_over") != 0 || int(number(told, "deleted")) != p.pushed[instance] {
			p.t.Errorf("of %d notifications of instance %s: %v", p.pushed[instance], instance, told)
		}
	}
	p.t.Logf("%d notifications; the %d bots got %d heads again", total, len(bots), repeated)
	audit(p.t, nil, "--nats", p.url)
	for _, m := range p.members {
		if printed := m.process.printed(); strings.Contains(printed, instanceToken) || strings.Contains(printed, botToken) {
			p.t.Errorf("%s prints a token:\n%s", m.name, printed)
		}
	}
}
