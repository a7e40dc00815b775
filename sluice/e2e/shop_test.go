//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice.internal/shared/greenapi/mock"
	"sluice.internal/sluice/simulate"
)

const (
	shopInstances = 8
	// shopCalm is how many notifications are sent in a campaign of 30 s; a longer one sends more in proportion, up to shopMost.
	shopCalm, shopMost = 2000, 10_000
	// shopKills is in how many rounds they are sent, with a process killed in each.
	shopKills = 10
)

// shop is a module of one's own whose handler writes orders into PostgreSQL and answers them, with all that it needs.
type shop struct {
	*campaign // of its processes
	module    string
	hook      string   // for webhooks
	where     []string // how commands find the streams
	database  *database
	greenAPI  *holding
	accounts  map[string]*mock.Instance
}

// holding is a GREEN-API that takes a message and, when it is told to, does not answer until somebody was killed.
type holding struct {
	http.Handler
	hold chan chan struct{} // gets what is closed when the answer may go
}

func (h *holding) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.Handler.ServeHTTP(w, r)
	if !strings.Contains(r.URL.Path, "/sendMessage/") {
		return
	}
	select {
	case killed := <-h.hold:
		<-killed
	default:
	}
}

// whileAnAnswerIsUnderWay kills somebody after some message was taken, and before whoever sent it is told so.
func (s *shop) whileAnAnswerIsUnderWay(kill func()) {
	s.t.Helper()
	passed, killed := make(chan struct{}), make(chan struct{})
	close(passed)
	for range s.random.IntN(20) { // A round has more orders than that.
		s.hold(passed)
	}
	s.hold(killed)
	defer close(killed)
	kill()
}

// hold waits for the next message, whose answer goes out when the channel is closed.
func (s *shop) hold(until chan struct{}) {
	s.t.Helper()
	select {
	case s.greenAPI.hold <- until:
	case <-time.After(2 * timeout):
		s.t.Fatal("nobody is answered any more")
	}
}

// One row and one answer for each order hold whatever is killed, because GREEN-API's side here is as it should be: the journal has
// a message at once, and under the chat id that it was sent to. No two answers of a chat have the same text. docs/promises.md (14)
// says what is left open without that.
func TestOrdersAreWrittenAndAnsweredOnceWhateverIsKilled(t *testing.T) {
	t.Parallel()
	module := shopModule(t)
	for name, start := range map[string]func(*shop){"one process": (*shop).startUp, "parts": (*shop).startParts} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, module)
			start(s)
			sent := s.sellAndKill(min(shopCalm*int(*campaignTime/time.Second)/30, shopMost))
			s.wantOneRowAndOneAnswerForEach(sent)
		})
	}
}

// shopModule writes a module as `sluice new` does, adds the handler, and builds it as its README says.
func shopModule(t *testing.T) (folder string) {
	t.Helper()
	folder = written(t, "--sluice", root(t))
	for _, file := range []string{"handlers.go", "orders.go"} {
		text, err := os.ReadFile(filepath.Join("testdata", "shop", file))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, "handlers", file), string(text))
	}
	succeed(t, outside(folder, "make", "tidy"))
	succeed(t, outside(folder, "go", "build", "-o", "bin/", ".", "./worker"))
	return folder
}

// newShop configures a shop, with a database and accounts at GREEN-API.
func newShop(t *testing.T, module string) *shop {
	t.Helper()
	seed := *campaignSeed
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	t.Logf("with -seed %d", seed)
	s := &shop{
		campaign: &campaign{t: t, random: rand.New(rand.NewPCG(seed, seed)), seed: seed, folder: keptFolder(t)},
		module:   module, database: startDatabase(t), accounts: map[string]*mock.Instance{},
	}
	s.database.ask("create table orders (instance text, id text, chat text not null, primary key (instance, id))")
	api := mock.New(mock.Options{})
	s.greenAPI = &holding{Handler: api, hold: make(chan chan struct{})}
	server := httptest.NewServer(s.greenAPI)
	t.Cleanup(server.Close)
	instances := &strings.Builder{}
	for _, id := range simulate.InstanceIDs(shopInstances) {
		s.accounts[id] = api.Add(id, accountToken)
		fmt.Fprintf(instances, "%q: {api_url: %q, token_file: account}, ", id, server.URL)
	}
	write(t, filepath.Join(s.folder, "account"), accountToken)
	write(t, filepath.Join(s.folder, "token"), "a-token-for-the-test\n")
	write(t, filepath.Join(s.folder, "sluice.yaml"), "sources: {green-api: {token_file: token, instances: {"+instances.String()+"}}}\n")
	return s
}

// program runs a program of the module, in the folder with its configuration.
func (s *shop) program(name string, args ...string) *process {
	command := outside(s.folder, filepath.Join(s.module, "bin", name), args...)
	command.Env = append(command.Env, "SLUICE_SETTINGS_POSTGRES_URL="+s.database.url)
	return runCommand(s.t, command)
}

// startUp runs everything in one process, as `make run` does.
func (s *shop) startUp() {
	data := filepath.Join(s.folder, "data")
	s.hook, s.where = freeAddress(s.t), []string{"--data", data}
	s.add("shop", 0, func() *process {
		p := s.program("shop", "up", "--data", data, "--gateway-listen", s.hook, "--nats-listen", "127.0.0.1:0")
		p.waitFor(ready)
		return p
	})
}

// startParts runs two workers of the module beside Sluice's gateway and a broker.
func (s *shop) startParts() {
	s.startBroker()
	s.addGateway(0)
	s.hook, s.where = s.hooks[0], []string{"--nats", s.url}
	for number := range 2 {
		s.add(fmt.Sprintf("worker %d", number), 0, func() *process {
			p := s.program("worker", "--nats-url", s.url)
			p.waitFor("worker started")
			return p
		})
	}
}

// sellAndKill has customers send notifications, of which many are orders, in rounds, kills a process in each, and waits until
// everything is done. It returns what was sent.
func (s *shop) sellAndKill(count int) (sent []map[string]any) {
	s.t.Helper()
	path := filepath.Join(s.folder, "ledger")
	s.ledgers = []string{path}
	for round := range shopKills {
		customers := s.program("shop", "simulate", "--url", "http://"+s.hook+"/green-api/webhook/", "--token-file", "token", "--ledger", path,
			"--instances", fmt.Sprint(shopInstances), "--count", fmt.Sprint(count/shopKills/shopInstances), "--rate", "100",
			"--seed", fmt.Sprint(s.seed+uint64(round)), "--duplicates", "0.05", "--speed", fmt.Sprint(campaignSpeed))
		s.killAndStart(round % (len(s.members) + 1))
		select {
		case <-customers.ended:
		case <-time.After(3 * timeout):
			s.t.Fatalf("the customers don't get rid of everything:\n%s", customers.printed())
		}
		if customers.exit() != 0 {
			s.t.Errorf("not everything was accepted:\n%s", customers.printed())
		}
	}
	settle(s.t, s.where...)
	s.await("all answers are sent", func() bool {
		return fmt.Sprint(s.database.ask("select count(*) from sluice_outbox where done_at is null")) == "[[0]]"
	})
	s.everybodyRuns()
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return objects(s.t, string(text))
}

// killAndStart kills a member, or PostgreSQL where there is none of that number, and starts it again.
func (s *shop) killAndStart(number int) {
	s.t.Helper()
	if number == len(s.members) {
		s.t.Log("kill PostgreSQL")
		s.whileAnAnswerIsUnderWay(func() { s.database.ask("kill") })
		s.database.ask("resume")
		return
	}
	m := s.members[number]
	s.t.Logf("kill %s", m.name)
	s.whileAnAnswerIsUnderWay(func() {
		m.process.signal(syscall.SIGKILL)
		m.process.exit()
	})
	m.process = m.start()
}

func (s *shop) await(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(5 * timeout); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited for too long until %s", what)
		}
	}
}

func (s *shop) wantOneRowAndOneAnswerForEach(sent []map[string]any) {
	s.t.Helper()
	audit(s.t, s.ledgers, s.where...)
	if dead, code := sluice(s.t, append([]string{"dead", "--json"}, s.where...)...); code != 0 || dead != "" {
		s.t.Errorf("exit code %d, dead letters:\n%s", code, dead)
	}
	ordered, repeated := orders(sent)
	want, rows := map[string]int{}, s.database.ask("select instance, id, chat from orders")
	for _, row := range rows {
		if order := fmt.Sprint(row[0], " ", row[1]); !ordered[order] {
			s.t.Errorf("nobody sent the order %s", order)
		}
		want[fmt.Sprintf("%s %s We have got your order %s", row[0], row[2], row[1])]++
	}
	answers := s.answers()
	for _, answer := range answers {
		want[answer]--
	}
	for answer, missing := range want {
		if missing != 0 {
			s.t.Errorf("%d answers too few: %s", missing, answer)
		}
	}
	if len(rows) != len(ordered) || repeated == 0 {
		s.t.Errorf("%d rows of %d orders, %d repetitions", len(rows), len(ordered), repeated)
	}
	unsure := s.database.ask("select count(*) from sluice_outbox where attempts > 1")
	if len(s.members) == 1 && fmt.Sprint(unsure) == "[[0]]" { // Of two workers it may always have been the other one's.
		s.t.Error("no answer was under way when somebody was killed: this proves little")
	}
	s.t.Logf("%d attempts, %d of them repetitions; %d orders, %d rows, %d answers, %v of them in more than one attempt",
		len(sent), repeated, len(ordered), len(rows), len(answers), unsure)
}

// orders returns what was ordered, by instance and id, and how often something was sent again that had been accepted.
func orders(sent []map[string]any) (ordered map[string]bool, repeated int) {
	ordered = map[string]bool{}
	for _, attempt := range sent {
		if attempt["fault"] == "duplicate" {
			repeated++
		}
		if attempt["type"] == "incomingMessageReceived" {
			ordered[fmt.Sprint(attempt["instance"], " ", attempt["id_message"])] = true
		}
	}
	return ordered, repeated
}

// answers returns what customers got, by instance, chat and text.
func (s *shop) answers() (all []string) {
	s.t.Helper()
	for instance, account := range s.accounts {
		for _, call := range account.Sent() {
			var answer struct{ ChatID, Message string }
			if err := json.Unmarshal(call.Body, &answer); err != nil || call.Method != "sendMessage" {
				s.t.Errorf("called %s with %s", call.Method, call.Body)
				continue
			}
			all = append(all, fmt.Sprintf("%s %s %s", instance, answer.ChatID, answer.Message))
		}
	}
	return all
}
