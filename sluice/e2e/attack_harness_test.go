//go:build e2e

package e2e_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"sluice.internal/sluice/ledger"
	"sluice.internal/sluice/simulate"
)

var attackTime = flag.Duration("attack", 5*time.Second, "how long each attack lasts")

// What the containers of docker-compose.yml may use.
const (
	gatewayMemory = 256 << 20
	workerMemory  = 512 << 20
	nginxMemory   = 512 << 20
	// upMemory is for everything in one process, NATS with it.
	upMemory = 1 << 30
)

const (
	// honestRate is how many notifications a second each of the two honest senders sends. It is modest: what is asked is
	// whether they get through, not how many do.
	honestRate = 10
	// honestHost is the address that they send from. No attacker has it.
	honestHost = "127.0.0.2"
	// maxLatency is what the 99th percentile of their answers stays under, beyond what the machine itself takes. That counts
	// several times: a notification waits for the sync under way and then for its own, and passes two processes more than a
	// request that is only synced.
	maxLatency  = time.Second
	machineSync = 4
	// stalledSync is how long a sync takes on a machine that stands still: then the store is late with its answer to the
	// readiness check as well, and the check rightly says so.
	stalledSync = 500 * time.Millisecond
)

// Secrets of the sources, see [siegeConfig].
const (
	honestToken  = "a-token-of-the-honest-sender"
	knownToken   = "a-token-of-a-sender-that-means-harm"
	githubSecret = "a-secret-of-the-honest-sender"
)

// siegeConfig has sources of every kind. green-api and github have an honest sender. The token of known, doubtful and
// numbers is the attackers'; of all other sources they know nothing.
const siegeConfig = `
schemas_dir: %q
%sstreams:
  notifications: {max_bytes: 12GiB}
  events: {max_bytes: 4GiB}
  dead_letters: {max_bytes: 12GiB}
sources:
  green-api: {token: ` + honestToken + `}
  github: {secrets: [{secret: ` + githubSecret + `}]}
  known: {provider: green-api, path: /known/webhook, token: ` + knownToken + `}
  doubtful: {provider: green-api, path: /doubtful/webhook, token: ` + knownToken + `}
  numbers: {provider: generic, path: /numbers/webhook, token: ` + knownToken + `, read: {type: "constant:numbers"}}
  open: {provider: generic, path: /open/webhook, auth: none, read: {type: "constant:open"}}
  stripe: {secrets: [{secret: whsec_c2VjcmV0LW9mLXN0cmlwZS1mb3ItdGVzdHM=}]}
  slack: {secrets: [{secret: 8f742231b10e8888abcd99yyyzzz85a5}]}
  shopify: {secrets: [{secret: hush-hush-hush-hush-hush}]}
  standard-webhooks: {secrets: [{secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}]}
`

// numbersSchema asks for a text in each place of an array, so that a body can have as many faults as values.
const numbersSchema = `{"properties": {"x": {"type": "array", "items": {"type": "string", "minLength": 5, "pattern": "^a"}}}}`

// siege is a system that is attacked: its programs, each with as much memory as in its container.
type siege struct {
	t              *testing.T
	folder, config string
	// store is the URL of NATS, or the data folder of sluice up.
	store string
	// hook is where senders send, admin where the gateway says whether it is ready.
	hook, admin string
	parts       []*part
	ledgers     []string
	// time is how long each attack lasts.
	time time.Duration
}

// part is a program of what is attacked.
type part struct {
	*limited

	start func() *limited
}

// prepareSiege writes the configuration with what is more in it.
func prepareSiege(t *testing.T, more string) *siege {
	t.Helper()
	// What is attacked besides has the same gateway in it, so that it is tried for a shorter time.
	const shortest = 3 * time.Second
	s := &siege{t: t, folder: keptFolder(t), hook: freeAddress(t), admin: freeAddress(t), time: max(*attackTime/4, min(*attackTime, shortest))}
	s.config = filepath.Join(s.folder, "sluice.yaml")
	types := filepath.Join(s.folder, "schemas", "generic")
	if err := os.MkdirAll(types, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(types, "numbers.json"), numbersSchema)
	write(t, s.config, fmt.Sprintf(siegeConfig, filepath.Dir(types), more))
	return s
}

// newSiege is one gateway and one worker, and NATS.
func newSiege(t *testing.T) *siege {
	t.Helper()
	s := prepareSiege(t, "")
	s.time = *attackTime
	s.addServices(s.hook)
	return s
}

// newSiegeBehindNginx has nginx before the gateway, as docker-compose.yml has it.
func newSiegeBehindNginx(t *testing.T) *siege {
	t.Helper()
	s := prepareSiege(t, "gateway: {trusted_proxies: [127.0.0.1]}\n")
	behind := freeAddress(t)
	s.addServices(behind)
	configured := s.configureNginx(behind)
	s.add("nginx", nginxMemory, "", "-e", "stderr", "-p", filepath.Dir(configured), "-c", configured, "-g", "daemon off;")
	s.awaitListener(s.hook)
	return s
}

// newSiegeOfUp is everything in one process.
func newSiegeOfUp(t *testing.T) *siege {
	t.Helper()
	s := prepareSiege(t, "")
	write(t, s.config, strings.Replace(contentOf(t, s.config), "streams:\n", fmt.Sprintf("admin: {listen: %q}\nstreams:\n", s.admin), 1))
	s.store = filepath.Join(s.folder, "data")
	s.add("sluice", upMemory, ready, "up", "--data", s.store, "--config", s.config, "--gateway-listen", s.hook, "--nats-listen", freeAddress(t))
	return s
}

// addServices starts NATS, a gateway that listens at the address, and a worker.
func (s *siege) addServices(listen string) {
	s.store = natsTaking(s.t, "26MB")
	s.add("gateway", gatewayMemory, "gateway listening", "--nats-url", s.store, "--listen", listen, "--admin-listen", s.admin)
	s.add("worker", workerMemory, "worker started", "--nats-url", s.store)
}

// add starts a program with a memory limit, and waits until it has printed the text.
func (s *siege) add(name string, memory int64, text string, args ...string) {
	start := func() *limited {
		started := runLimited(s.t, name, memory, s.folder, []string{"SLUICE_CONFIG=" + s.config}, args...)
		started.waitFor(text)
		return started
	}
	s.parts = append(s.parts, &part{start(), start})
}

// configureNginx writes the configuration of nginx for this machine: with other ports and places, as root, and without looking
// the gateway's name up, which nginx of Debian's stable release can't. It returns the file.
func (s *siege) configureNginx(gateway string) string {
	s.t.Helper()
	to := filepath.Join(s.folder, "nginx")
	if err := os.CopyFS(to, os.DirFS(filepath.Join(root(s.t), "nginx"))); err != nil {
		s.t.Fatal(err)
	}
	places := strings.NewReplacer("gateway:8080 resolve", gateway, "listen 8080", "listen "+s.hook, "127.0.0.1:8081", freeAddress(s.t),
		"/tmp/", inMemory(s.t)+"/")
	for _, name := range []string{"process.conf", "http.conf", "gateways.conf", "plain.conf"} {
		file := filepath.Join(to, name)
		write(s.t, file, places.Replace(contentOf(s.t, file)))
	}
	process := filepath.Join(to, "process.conf")
	write(s.t, process, "user root;\n"+contentOf(s.t, process))
	return filepath.Join(to, "plain.conf")
}

// inMemory makes a folder in a file system in memory, as the container of nginx has one for large bodies. On a disk they would
// hold up what the store syncs.
func inMemory(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "sluice-e2e-") //nolint:usetesting // That of the test is on the disk.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// awaitListener waits until somebody listens at an address.
func (s *siege) awaitListener(address string) {
	s.t.Helper()
	for deadline := time.Now().Add(timeout); ; {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func contentOf(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// where returns the flags by which the command finds the streams.
func (s *siege) where() []string {
	if strings.Contains(s.store, "://") {
		return []string{"--nats", s.store}
	}
	return []string{"--data", s.store}
}

// restore replaces what an attack ended, so that each attack is tried by itself.
func (s *siege) restore() {
	for _, part := range s.parts {
		if !part.alive() {
			part.limited = part.start()
		}
	}
}

// within checks that all programs live and stayed within their memory.
func (s *siege) within(t *testing.T) (alive bool) {
	t.Helper()
	alive = true
	for _, part := range s.parts {
		part.within(t)
		alive = alive && part.alive()
	}
	return alive
}

// withstand lets an attack strike while honest senders send, and checks that it did no harm to anybody.
func (s *siege) withstand(t *testing.T, attack string) {
	t.Helper()
	defer s.restore()
	end := s.strike(t, attack)
	honest := s.sendHonestly(t.Context(), t)
	end()
	alive := s.within(t)
	honest.check(t)
	if alive {
		settle(t, s.where()...)
	}
	s.within(t) // What was accepted is processed by now.
}

// The variables of a process of attackers: the name of the attack, and the addresses of the gateway.
const (
	attackVariable  = "SLUICE_E2E_ATTACK"
	gatewayVariable = "SLUICE_E2E_GATEWAY"
	adminVariable   = "SLUICE_E2E_ADMIN"
)

// strike starts an attack in a process of its own, which yields the processors to all others: what it takes is in truth
// another machine's. The function that it returns ends the attack and says what came of it.
func (s *siege) strike(t *testing.T, attack string) (end func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("nice", "-n", "19", self)
	command.Env = append(os.Environ(), attackVariable+"="+attack, gatewayVariable+"="+s.hook, adminVariable+"="+s.admin)
	running, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	attackers := runCommand(t, command)
	return func() {
		t.Helper()
		_ = running.Close() // It ends with its input.
		if code := attackers.exit(); code != 0 || attackers.printed() == "" {
			t.Errorf("the attackers ended with exit code %d:\n%s", code, attackers.printed())
		}
		t.Logf("the attackers' requests ended with %s", attackers.printed())
	}
}

// beginTime is how long an attack may take until it has reached somebody. Its end is waited for longer, see exit.
const beginTime = timeout / 2

// strikeAlone is a process of attackers. It attacks until its input ends, and prints how its requests ended.
func strikeAlone(name string) {
	ctx, cancel := context.WithCancel(context.Background())
	a := &attacker{
		ctx: ctx, gateway: os.Getenv(gatewayVariable), admin: os.Getenv(adminVariable), line: rate.NewLimiter(lineRate, lineBurst),
	}
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, os.Stdin)
		// On a busy machine attackers, who yield to everybody, may not have begun yet.
		for begin := time.Now(); a.connections.Load() == 0 && time.Since(begin) < beginTime; {
			time.Sleep(10 * time.Millisecond)
		}
	}()
	for _, attack := range attacks() {
		if attack.name == name {
			attack.strike(a)
		}
	}
	if a.connections.Load() == 0 {
		fmt.Println("the attack reached nobody")
		os.Exit(1)
	}
	fmt.Printf("%s; %d connections\n", a.outcomes.String(), a.connections.Load())
}

// honesty is what came of all that was honest.
type honesty struct {
	// calls is the sender of green-api, which keeps its connections; pushes that of github, which opens one for each
	// notification; checks are the readiness checks.
	calls          simulate.Summary
	pushes, checks outcomes
	// witness is how this machine serves a request that is synced to the disk and nothing else.
	witness outcomes
}

// sendHonestly sends for as long as an attack lasts, waits for the answers, and measures what the machine itself makes of
// such requests meanwhile. It ends early when the gateway does.
func (s *siege) sendHonestly(ctx context.Context, t *testing.T) *honesty {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.parts[0].ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	asking, stop := context.WithTimeout(ctx, s.time)
	defer stop()
	h := &honesty{}
	witness := newWitness(t)
	fresh := &http.Client{Transport: &http.Transport{DialContext: honestDialer.DialContext, DisableKeepAlives: true}, Timeout: timeout}
	kept := &http.Client{Transport: &http.Transport{DialContext: honestDialer.DialContext}, Timeout: timeout}
	defer kept.CloseIdleConnections()
	var all sync.WaitGroup
	all.Go(func() { h.calls = s.callHonestly(ctx, t) })
	all.Go(func() {
		every(asking, time.Second/honestRate, func(number int) { h.pushes.do(fresh, s.push(number)) })
	})
	all.Go(func() {
		every(asking, time.Second/honestRate, func(int) {
			h.witness.do(fresh, post(witness, "the least that a gateway has to do"))
		})
	})
	all.Go(func() {
		every(asking, time.Second/4, func(int) {
			request, _ := http.NewRequest(http.MethodGet, "http://"+s.admin+"/readyz", nil)
			h.checks.do(kept, request)
		})
	})
	all.Wait()
	return h
}

var honestDialer = net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(honestHost)}}

// callHonestly is a sender like GREEN-API, with a ledger for the audit.
func (s *siege) callHonestly(ctx context.Context, t *testing.T) simulate.Summary {
	t.Helper()
	path := filepath.Join(s.folder, fmt.Sprintf("ledger-%d", len(s.ledgers)))
	s.ledgers = append(s.ledgers, path)
	ledger, err := ledger.Open(path)
	if err != nil {
		t.Error(err)
		return simulate.Summary{}
	}
	defer ledger.Close()
	const instances = 40 // So many that one that waits holds up no other notification.
	sender, err := simulate.New(simulate.Settings{
		URL: "http://" + s.hook + "/green-api/webhook/", Token: honestToken, Instances: instances, Duration: s.time, Rate: honestRate,
		Pause: time.Second, Timeout: timeout, Ledger: ledger,
		Transport: &http.Transport{DialContext: honestDialer.DialContext, MaxIdleConnsPerHost: instances},
	})
	if err != nil {
		t.Error(err)
		return simulate.Summary{}
	}
	ctx, cancel := context.WithTimeout(ctx, s.time+timeout)
	defer cancel()
	summary, err := sender.Run(ctx)
	if err != nil {
		t.Error(err)
	}
	return summary
}

var pushes atomic.Int64

// push is a notification as GitHub sends and signs it.
func (s *siege) push(number int) *http.Request {
	body := fmt.Sprintf(`{"ref":"refs/heads/main","repository":{"full_name":"honest/%d","owner":{"login":"honest"}},"commits":[]}`, number%8)
	request := post("http://"+s.hook+"/github/webhook/", body)
	code := hmac.New(sha256.New, []byte(githubSecret))
	code.Write([]byte(body))
	request.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(code.Sum(nil)))
	request.Header.Set("X-GitHub-Event", "push")
	request.Header.Set("X-GitHub-Delivery", fmt.Sprintf("honest-%d", pushes.Add(1)))
	return request
}

func post(url, body string) *http.Request {
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		panic(err) // The URL is this test's.
	}
	return request
}

// newWitness starts a server that does the least that a gateway has to do: it takes a body and syncs it to the disk. It
// returns the server's URL.
func newWitness(t *testing.T) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "witness"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = file.Write(body)
		}
		if err = errors.Join(err, file.Sync()); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(func() { server.Close(); _ = file.Close() })
	return server.URL
}

// every calls a function at a steady rate until the context ends, whether or not the calls before have returned, and
// waits for all of them. So one that is slow hides no other.
func every(ctx context.Context, interval time.Duration, call func(number int)) {
	var calls sync.WaitGroup
	defer calls.Wait()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for number := 0; ; number++ {
		calls.Go(func() { call(number) })
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// check checks that all that was honest was answered 200 and in time. What the machine itself takes is not the gateway's
// fault: it has other work, and its disk syncs as fast as it does.
func (h *honesty) check(t *testing.T) {
	t.Helper()
	if h.calls.Answered200 == 0 || h.calls.Others > 0 || h.calls.Err() != nil {
		t.Errorf("an honest sender of green-api was not answered 200 alone:\n%s", h.calls)
	}
	machine := h.witness.p99()
	if !h.pushes.onlyOK() {
		t.Errorf("an honest sender of github was not answered 200 alone: %s", h.pushes.String())
	}
	if !h.checks.onlyOK() {
		report := t.Errorf
		if machine > stalledSync {
			report = t.Logf
		}
		report("the readiness check was not answered 200 alone: %s", h.checks.String())
	}
	calls := time.Duration(h.calls.P99 * float64(time.Millisecond))
	t.Logf("99 of 100 answers took at most %s to green-api, %s to github, %s to a request that the machine only syncs",
		calls.Round(time.Millisecond), h.pushes.p99().Round(time.Millisecond), machine.Round(time.Millisecond))
	for name, p99 := range map[string]time.Duration{"green-api": calls, "github": h.pushes.p99()} {
		if p99 > maxLatency+machineSync*machine {
			t.Errorf("one of 100 answers to %s took %s, and %s where the machine only syncs", name, p99, machine)
		}
	}
}

// outcomes counts how requests ended and how long they took. It is safe for concurrent use.
type outcomes struct {
	mutex  sync.Mutex
	counts map[string]int
	times  []time.Duration
}

// do makes a request and counts it.
func (o *outcomes) do(client *http.Client, request *http.Request) {
	began := time.Now()
	response, err := client.Do(request)
	if err != nil {
		o.add("no answer: "+err.Error(), time.Since(began))
		return
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 200)) // It is for people.
	outcome := response.Status
	if response.StatusCode != http.StatusOK {
		outcome += " " + string(text)
	}
	o.add(outcome, time.Since(began))
}

func (o *outcomes) add(outcome string, took time.Duration) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.counts == nil {
		o.counts = map[string]int{}
	}
	o.counts[outcome]++
	o.times = append(o.times, took)
}

func (o *outcomes) total() int {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return len(o.times)
}

// onlyOK reports whether there were requests, and all were answered 200.
func (o *outcomes) onlyOK() bool {
	total := o.total()
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return total > 0 && o.counts["200 OK"] == total
}

func (o *outcomes) p99() time.Duration {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if len(o.times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(o.times))
	return sorted[len(sorted)*99/100]
}

// String is the outcomes for people, in the order of their names.
func (o *outcomes) String() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(o.counts)) {
		parts = append(parts, fmt.Sprintf("%d × %s", o.counts[name], strings.TrimSpace(name)))
	}
	return strings.Join(parts, "; ")
}

// attacker makes requests that an honest client does not. It speaks HTTP by hand, from one loopback address after the
// other, so that limits by address don't stop it early.
type attacker struct {
	ctx            context.Context
	gateway, admin string
	// line is what they all send over.
	line        *rate.Limiter
	outcomes    outcomes
	connections atomic.Int64
}

// lineRate is how many bytes a second the attackers send together: as much as a line of a gigabit carries. The loopback
// carries a hundred times as much, which would try the processors and not the gateway.
const (
	lineRate  = 125_000_000
	lineBurst = 1 << 20
)

// throttled is a connection over the attackers' line.
type throttled struct {
	net.Conn

	a *attacker
}

// Write sends a piece at a time, each when the line has room for it.
func (c throttled) Write(content []byte) (sent int, err error) {
	for len(content) > 0 && err == nil {
		piece := content[:min(len(content), lineBurst/4)]
		if err = c.a.line.WaitN(c.a.ctx, len(piece)); err != nil {
			return sent, err
		}
		var n int
		n, err = c.Conn.Write(piece)
		sent, content = sent+n, content[n:]
	}
	return sent, err
}

// dial opens a connection to the gateway that ends with the attack.
func (a *attacker) dial() (net.Conn, error) { return a.dialTo(a.gateway) }

func (a *attacker) dialTo(address string) (net.Conn, error) {
	number := a.connections.Add(1)
	from := net.IPv4(127, 1, byte(number>>8), byte(number))
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: timeout}).DialContext(a.ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(timeout))
	context.AfterFunc(a.ctx, func() { _ = conn.Close() })
	return throttled{conn, a}, nil
}

// running reports whether the attack goes on.
func (a *attacker) running() bool { return a.ctx.Err() == nil }

// pause waits, and reports whether the attack goes on.
func (a *attacker) pause(duration time.Duration) bool {
	select {
	case <-a.ctx.Done():
		return false
	case <-time.After(duration):
		return true
	}
}

// request is what an attacker sends.
type request struct {
	path   string
	header []string
	body   []byte
	// withheld is how many bytes of the body never come.
	withheld int
}

// head is the request line and the header with the length of the body.
func (r request) head() string {
	header := slices.Concat(r.header, []string{fmt.Sprintf("Content-Length: %d", len(r.body))})
	return "POST " + r.path + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(header, "\r\n") + "\r\n\r\n"
}

// send sends a request over a connection of its own, and counts its answer.
func (a *attacker) send(r request) {
	began := time.Now()
	outcome, err := a.try(r)
	if err != nil {
		outcome = "no answer"
	}
	if a.running() { // The end of the attack is no answer of the gateway's.
		a.outcomes.add(outcome, time.Since(began))
	}
}

func (a *attacker) try(r request) (outcome string, err error) {
	conn, err := a.dial()
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, r.head()); err != nil {
		return "", err
	}
	// An answer may come before the end of the body, and is there to be read when the rest is not taken any more.
	_, broken := conn.Write(r.body[:len(r.body)-r.withheld])
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", errors.Join(broken, err)
	}
	defer response.Body.Close()
	return response.Status, nil
}

// flood has so many clients at once each send one request after the other, with at least an interval between two of
// them, until the attack ends.
func (a *attacker) flood(clients int, interval time.Duration, next func(number int) request) {
	var number atomic.Int64
	a.together(clients, func(int) {
		for a.running() {
			a.send(next(int(number.Add(1) - 1)))
			if !a.pause(interval) {
				return
			}
		}
	})
}

// together has so many clients do the same at once, and waits for them.
func (a *attacker) together(clients int, do func(client int)) {
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() { do(client) })
	}
	all.Wait()
}
