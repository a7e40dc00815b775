//go:build e2e

package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sluice.internal/sluice/ledger"
	"sluice.internal/sluice/simulate"
)

var (
	campaignTime = flag.Duration("campaign", 30*time.Second, "how long the campaign disturbs")
	campaignSeed = flag.Uint64("seed", 0, "of the campaign; 0 draws one")
)

const (
	campaignGateways  = 2
	campaignWorkers   = 8
	campaignInstances = 24
	// campaignSpeed makes the sender's pause of a minute one second.
	campaignSpeed = 60
	// calibration is how long the sender sends as fast as it can, to find out what half of that is.
	calibration = 4 * time.Second
)

// TestNothingIsLostWhateverIsKilledOrFrozen lets a sender send while gateways, workers and the broker are killed,
// frozen and restarted at random, and then accounts for everything from the data.
//
//nolint:paralleltest // It finds out how much the machine can do.
func TestNothingIsLostWhateverIsKilledOrFrozen(t *testing.T) {
	seed := *campaignSeed
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	t.Logf("campaign of %s with -seed %d", *campaignTime, seed)
	c := newCampaign(t, seed)
	rate := c.send(calibration, 0).Rate / 2
	t.Logf("half of what the machine does is %.0f notifications/s", rate)

	ended := make(chan simulate.Summary, 1)
	go func() { ended <- c.send(*campaignTime, rate) }()
	flooded := make(chan int, 1)
	flooding, stop := context.WithCancel(t.Context())
	go func() { flooded <- c.flood(flooding) }()
	disturbed := c.disturb(*campaignTime)
	stop()
	c.everybodyRuns()
	var summary simulate.Summary
	select {
	case summary = <-ended:
	case <-time.After(2 * timeout):
		t.Fatal("the sender did not get rid of everything")
	}
	t.Logf("%d disturbances, %d notifications of one chat in bursts; the sender's summary:\n%s", disturbed, <-flooded, summary)
	if err := summary.Err(); err != nil {
		t.Error(err)
	}
	if int64(summary.Notifications) < int64(rate*campaignTime.Seconds()/4) {
		t.Errorf("only %d notifications at %.0f/s: the campaign proves little", summary.Notifications, rate)
	}
	settle(t, "--nats", c.url)
	audit(t, c.ledgers, "--nats", c.url)
	c.checkEffects()
	c.checkAside()
}

// campaign is a system of processes that are killed and started again.
type campaign struct {
	t       *testing.T
	random  *rand.Rand
	folder  string
	url     string // of NATS
	ledgers []string
	seed    uint64
	broker  *member
	members []*member
	hooks   []string
	// absent are workers that have left, printed is what those printed that are gone.
	absent  []*member
	printed strings.Builder
}

// member is a process that has a place in the system, whoever fills it.
type member struct {
	name    string
	start   func() *process
	process *process
	// frozen is the longest that it may stand still: the broker's clients wait for it, the others are replaced.
	frozen time.Duration
	// line is its way to the broker, nil for others than workers.
	line *line
}

func newCampaign(t *testing.T, seed uint64) *campaign {
	t.Helper()
	c := &campaign{t: t, random: rand.New(rand.NewPCG(seed, seed)), seed: seed, folder: keptFolder(t)}
	c.startBroker()
	for number := range campaignGateways {
		c.addGateway(number)
	}
	effects := buildEffects(t)
	for number := range campaignWorkers {
		c.addWorker(number, effects)
	}
	return c
}

// keptFolder is a folder that stays when the test fails, since it holds what tells why.
func keptFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "sluice-campaign-") //nolint:usetesting // That would be removed.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the data is in %s", folder)
			return
		}
		_ = os.RemoveAll(folder)
	})
	return folder
}

func (c *campaign) startBroker() {
	address, config := freeAddress(c.t), filepath.Join(c.folder, "nats.conf")
	write(c.t, config, "listen: \""+address+"\"\nmax_payload: 9MB\njetstream { store_dir: \""+c.folder+"/store\", sync_interval: always }\n")
	c.url = "nats://" + address
	c.broker = c.add("broker", 4*time.Second, func() *process {
		broker := run(c.t, "nats-server", "-c", config)
		broker.waitFor("Server is ready")
		return broker
	})
}

// smallStreams is the environment with streams that have space on any disk, whoever makes them.
func smallStreams() []string {
	return append(os.Environ(), "SLUICE_STREAMS_NOTIFICATIONS_MAX_BYTES=2GiB", "SLUICE_STREAMS_EVENTS_MAX_BYTES=2GiB")
}

func (c *campaign) addGateway(number int) {
	token, hook := filepath.Join(c.folder, "token"), freeAddress(c.t)
	write(c.t, token, "a-token-for-the-test\n")
	c.hooks = append(c.hooks, hook)
	c.add(fmt.Sprintf("gateway %d", number), 12*time.Second, func() *process {
		command := program(c.t, "gateway", "--nats-url", c.url, "--listen", hook)
		command.Env = append(smallStreams(), "SLUICE_SOURCES_GREEN_API_TOKEN_FILE="+token)
		gateway := runCommand(c.t, command)
		gateway.waitFor("gateway listening")
		return gateway
	})
}

func (c *campaign) addWorker(number int, effects string) {
	line := newLine(c.t, strings.TrimPrefix(c.url, "nats://"))
	m := c.add(fmt.Sprintf("worker %d", number), 12*time.Second, func() *process {
		command := program(c.t, filepath.Base(effects), "--nats-url", "nats://"+line.address())
		command.Path = effects
		command.Env = append(smallStreams(), "EFFECTS="+c.effectsFile(number))
		worker := runCommand(c.t, command)
		worker.waitFor("worker started")
		return worker
	})
	m.line = line
}

func (c *campaign) effectsFile(number int) string {
	return filepath.Join(c.folder, fmt.Sprintf("effects-%d", number))
}

func (c *campaign) add(name string, frozen time.Duration, start func() *process) *member {
	m := &member{name: name, start: start, process: start(), frozen: frozen}
	c.members = append(c.members, m)
	return m
}

// send sends notifications for a time and waits until all were accepted. A rate of 0 is as fast as it goes.
func (c *campaign) send(duration time.Duration, rate float64) simulate.Summary {
	path := filepath.Join(c.folder, fmt.Sprintf("ledger-%d", len(c.ledgers)))
	c.ledgers = append(c.ledgers, path)
	ledger, err := ledger.Open(path)
	if err != nil {
		c.t.Error(err)
		return simulate.Summary{}
	}
	defer ledger.Close()
	sender, err := simulate.New(simulate.Settings{
		URL: "http://" + c.hooks[0] + "/green-api/webhook/", Token: "a-token-for-the-test",
		Instances: campaignInstances, Duration: duration, Rate: rate, Speed: campaignSpeed, Seed: c.seed + uint64(len(c.ledgers)),
		Duplicates: 0.01, Unknown: 0.002, Invalid: 0.002,
		Ledger: ledger, Transport: &spread{hosts: c.hooks, next: &http.Transport{MaxIdleConnsPerHost: campaignInstances}},
	})
	if err != nil {
		c.t.Error(err)
		return simulate.Summary{}
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), duration+2*timeout)
	defer cancel()
	summary, err := sender.Run(ctx)
	if err != nil {
		c.t.Error(err)
	}
	return summary
}

// spread sends requests to all gateways in turn, as a load balancer does.
type spread struct {
	hosts []string
	turn  atomic.Uint64
	next  *http.Transport
}

func (s *spread) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.URL.Host = s.hosts[s.turn.Add(1)%uint64(len(s.hosts))]
	return s.next.RoundTrip(request)
}

// disturb kills, freezes and restarts members at random for a time.
func (c *campaign) disturb(duration time.Duration) (count int) {
	end := time.Now().Add(duration)
	for time.Now().Before(end) {
		time.Sleep(time.Duration(500+c.random.IntN(2500)) * time.Millisecond)
		if len(c.absent) > 0 && c.random.IntN(2) == 0 {
			c.join()
		}
		victim := c.members[c.random.IntN(len(c.members))]
		if slices.Contains(c.absent, victim) {
			continue
		}
		what := c.random.IntN(6)
		switch {
		case what == 0:
			c.kill(victim)
		case what == 1:
			c.freeze(victim)
		case what == 2 || victim.line == nil:
			c.restart(victim)
		case what == 3:
			c.leave(victim)
		default:
			c.cutOff(victim)
		}
		count++
	}
	for len(c.absent) > 0 {
		c.join()
	}
	return count
}

// leave stops a worker for a while.
func (c *campaign) leave(m *member) {
	if len(c.absent) >= campaignWorkers/2 {
		return
	}
	c.t.Logf("%s leaves", m.name)
	c.stop(m)
	c.absent = append(c.absent, m)
}

// join starts the worker that has been absent longest.
func (c *campaign) join() {
	m := c.absent[0]
	c.absent = c.absent[1:]
	c.t.Logf("%s joins", m.name)
	m.process = m.start()
}

// cutOff lets nothing through between a worker and the broker for a while. What was sent meanwhile is lost with the connection.
func (c *campaign) cutOff(m *member) {
	duration := time.Duration(c.random.Int64N(int64(m.frozen)))
	c.t.Logf("cut %s off for %s", m.name, duration.Round(time.Millisecond))
	m.line.cut()
	time.Sleep(duration)
	m.line.reset()
	m.line.mend()
}

// floodSize is how many notifications of one chat come in a burst: more than a worker holds.
const floodSize = 3000

// flood sends bursts of notifications of one chat until the context ends, and returns how many were accepted.
func (c *campaign) flood(ctx context.Context) (accepted int) {
	client := &http.Client{Timeout: 20 * time.Second, Transport: &spread{hosts: c.hooks, next: &http.Transport{MaxIdleConnsPerHost: 16}}}
	for burst := 0; ctx.Err() == nil; burst++ {
		var group sync.WaitGroup
		var stored atomic.Int64
		for sender := range 16 {
			group.Go(func() {
				for number := sender; number < floodSize && ctx.Err() == nil; number += 16 {
					if c.post(ctx, client, fmt.Sprintf("flood-%d-%d", burst, number)) {
						stored.Add(1)
					}
				}
			})
		}
		group.Wait()
		accepted += int(stored.Load())
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	}
	return accepted
}

// post sends a notification of the chat that floods, as often as it takes.
func (c *campaign) post(ctx context.Context, client *http.Client, id string) bool {
	body := fmt.Sprintf(`{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":7103000000,"wid":"79990000000@c.us",`+
		`"typeInstance":"whatsapp"},"timestamp":1700000000,"idMessage":%q,"senderData":{"chatId":"79991112233@c.us","sender":"79991112233@c.us",`+
		`"chatName":"flood","senderName":"flood","senderContactName":""},"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":%q}}}`, id, id)
	for ctx.Err() == nil {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.hooks[0]+"/green-api/webhook/", strings.NewReader(body))
		if err != nil {
			c.t.Error(err)
			return false
		}
		request.Header.Set("Authorization", "Bearer a-token-for-the-test")
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return false
}

// checkAside checks that the chat which flooded was set aside, since else nothing was tried of it.
func (c *campaign) checkAside() {
	for _, m := range c.members {
		c.printed.WriteString(m.process.printed())
	}
	count := strings.Count(c.printed.String(), "chat set aside")
	c.t.Logf("a worker set a chat aside, or found one to be, %d times", count)
	if count == 0 {
		c.t.Error("the chat that flooded was never set aside")
	}
}

func (c *campaign) kill(m *member) {
	c.t.Logf("kill %s", m.name)
	m.process.signal(syscall.SIGKILL)
	m.process.exit()
	c.printed.WriteString(m.process.printed())
	time.Sleep(time.Duration(c.random.IntN(2000)) * time.Millisecond)
	m.process = m.start()
}

// freeze stops a process and lets it go on, all the while the others work.
func (c *campaign) freeze(m *member) {
	duration := time.Duration(c.random.Int64N(int64(m.frozen)))
	c.t.Logf("freeze %s for %s", m.name, duration.Round(time.Millisecond))
	m.process.signal(syscall.SIGSTOP)
	time.Sleep(duration)
	m.process.signal(syscall.SIGCONT)
}

func (c *campaign) restart(m *member) {
	c.t.Logf("restart %s", m.name)
	c.stop(m)
	m.process = m.start()
}

func (c *campaign) stop(m *member) {
	m.process.signal(syscall.SIGTERM)
	if code := m.process.exit(); code != 0 && m != c.broker {
		c.t.Errorf("%s ended with exit code %d:\n%s", m.name, code, m.process.printed())
	}
	c.printed.WriteString(m.process.printed())
}

// everybodyRuns checks that nobody ended by itself.
func (c *campaign) everybodyRuns() {
	for _, m := range c.members {
		select {
		case <-m.process.ended:
			c.t.Errorf("%s ended by itself:\n%s", m.name, m.process.printed())
		default:
		}
	}
}

// settle waits until nothing is left to do, the parked events included.
func settle(t *testing.T, where ...string) {
	t.Helper()
	deadline := time.Now().Add(3 * timeout)
	for {
		out, _ := sluice(t, append([]string{"status", "--json"}, where...)...)
		left := 0.0
		for _, object := range objects(t, out) {
			switch object["kind"] {
			case "intake", "group":
				left += number(object, "waiting") + number(object, "under_way")
			case "stream":
				if object["name"] == "RETRIES" {
					left += number(object, "messages")
				}
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is still something to do: %v\n%s", left, out)
		}
		time.Sleep(time.Second)
	}
}

func number(object map[string]any, name string) float64 {
	value, _ := object[name].(float64)
	return value
}

// audit accounts for everything that is stored, and for what the ledgers say was sent.
func audit(t *testing.T, ledgers []string, where ...string) {
	t.Helper()
	args := append([]string{"audit"}, where...)
	for _, ledger := range ledgers {
		args = append(args, "--ledger", ledger)
	}
	out, code := sluice(t, args...)
	t.Logf("audit:\n%s", out)
	if code != 0 {
		t.Errorf("the audit found something: exit code %d", code)
	}
}
