package receiver_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/receiver"
	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/position"
	"sluice.internal/shared/streamtest"
)

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "40"); err != nil { // Each asks a server. The command line may want more.
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const (
	id       = "1101000001"
	botToken = "the-token-of-the-bot-0123456789"
	apiToken = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	atMost   = time.Minute
)

// place is a receiver in front of streams, which can be replaced by another one at the same address.
type place struct {
	t       *testing.T
	server  *streamtest.Server
	streams *streamtest.Streams
	http    *httptest.Server
	client  *http.Client
	bots    map[string]config.Bot
	sources map[string]config.Source

	current atomic.Pointer[receiver.Receiver]
	stop    func()
	pushed  int

	mutex  sync.Mutex
	alerts []notification.Alert
	log    strings.Builder
}

// crm is a bot with a token of its own.
func crm() config.Bot {
	return config.Bot{
		Name: "crm", Source: "green-api", TokenFile: "x", Tokens: []config.Secret{config.NewSecret(botToken)},
		Keep: 24 * time.Hour, Forward: config.ForwardNone,
	}
}

func newPlace(t *testing.T, bots ...config.Bot) *place {
	t.Helper()
	server := streamtest.Start(t)
	p := &place{
		t: t, server: server, streams: server.Open(t), bots: map[string]config.Bot{}, client: &http.Client{Transport: &http.Transport{}},
		sources: map[string]config.Source{"green-api": {Name: "green-api", Instances: map[string]config.Instance{}}},
	}
	for _, bot := range bots {
		p.bots[bot.Name] = bot
	}
	p.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.current.Load().ServeHTTP(w, r) }))
	p.start()
	t.Cleanup(func() {
		p.stop()
		p.client.CloseIdleConnections()
		p.http.Close()
		p.mutex.Lock()
		defer p.mutex.Unlock()
		if said := fmt.Sprint(p.alerts) + p.log.String(); strings.Contains(said, botToken) || strings.Contains(said, apiToken) {
			t.Error("a token was said")
		}
	})
	return p
}

func (p *place) Write(line []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.log.Write(line)
}

// start runs a receiver in place of the one before, as another process would after a crash.
func (p *place) start() {
	p.t.Helper()
	if p.stop != nil {
		p.stop()
	}
	made := receiver.New(receiver.Settings{
		Bots: p.bots, Sources: p.sources, Positions: position.NewClient(p.server.Open(p.t).Client), ShutdownTimeout: atMost,
		Alert: func(alert notification.Alert) {
			p.mutex.Lock()
			defer p.mutex.Unlock()
			p.alerts = append(p.alerts, alert)
		},
	}, slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{Level: slog.LevelDebug})))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- made.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			p.t.Error(err)
		}
	})
	p.current.Store(made)
}

// begin waits until a bot has its beginning: a new one gets what comes from then on.
func (p *place) begin() {
	p.t.Helper()
	if _, body := p.receive("?receiveTimeout=1"); body != "null" {
		p.t.Fatalf("at the beginning there is %q", body)
	}
}

func bodyOf(number int) string {
	return fmt.Sprintf("{\"typeWebhook\":\"incomingCall\", \"instanceData\":{\"idInstance\":%s,\"wid\":\"7@c.us\",\"typeInstance\":\"whatsapp\"},\r\n\"n\":%d,\"x\":\"<&>é\"}", id, number)
}

// push stores so many events of the instance, among some of another one.
func (p *place) push(count int) (bodies []string) {
	p.t.Helper()
	for range count {
		p.store("incomingCall", "42", "{}")
		bodies = append(bodies, bodyOf(p.pushed))
		p.store("incomingCall", id, bodyOf(p.pushed))
		p.pushed++
	}
	return bodies
}

func (p *place) store(kind, instance, body string) {
	p.t.Helper()
	n := streamtest.Notification(0)
	n.Type, n.Instance, n.Body = kind, instance, []byte(body)
	event := streamtest.NewEvent(p.streams, &n, notification.Identity{
		Type: kind, Instance: instance, OrderKey: strconv.Itoa(p.pushed % 7), Key: notification.Key(kind, instance, body, strconv.Itoa(p.pushed)),
	})
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	if _, err := p.streams.PublishEvents(ctx, []notification.Event{event}); err != nil {
		p.t.Fatal(err)
	}
}

// ask sends a request and returns status and body.
func (p *place) ask(method, path, body string) (status int, answer string, header http.Header) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, p.http.URL+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := p.client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header
}

func (p *place) receive(query string) (status int, answer string) {
	p.t.Helper()
	status, answer, _ = p.ask("GET", "/waInstance"+id+"/receiveNotification/"+botToken+query, "")
	return status, answer
}

func (p *place) delete(receipt string) (status int, answer string) {
	p.t.Helper()
	status, answer, _ = p.ask("DELETE", "/waInstance"+id+"/deleteNotification/"+botToken+"/"+receipt, "")
	return status, answer
}

// head is what was handed out.
type head struct {
	ReceiptID int32           `json:"receiptId"` // as the Java client reads it
	Body      json.RawMessage `json:"body"`
}

func (p *place) head() head {
	p.t.Helper()
	var received head
	status, answer := p.receive("")
	if err := json.Unmarshal([]byte(answer), &received); err != nil || status != 200 {
		p.t.Fatalf("status %d, answer %q, error %v", status, answer, err)
	}
	return received
}

// Clients die of a byte more.
func TestAnswersAreExactToTheByte(t *testing.T) {
	t.Parallel()
	p := newPlace(t, crm())
	p.begin()
	status, answer, header := p.ask("GET", "/waInstance"+id+"/receiveNotification/"+botToken+"?receiveTimeout=1", "{}")
	if status != 200 || answer != "null" || header.Get("Content-Length") != "4" || header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("nothing there: %d %q %v", status, answer, header)
	}
	body := p.push(1)[0]
	want := `{"receiptId":` + strconv.Itoa(int(p.head().ReceiptID)) + `,"body":` + body + `}`
	for _, path := range []string{
		"/waInstance" + id + "/receiveNotification/" + botToken, "/waInstance" + id + "/ReceiveNotification/" + botToken + "/?5",
		"/v3/waInstance" + id + "/receiveNotification/" + botToken, "//waInstance" + id + "/receiveNotification/" + botToken + "?receiveTimeout=x",
	} {
		for _, method := range []string{"GET", "POST"} {
			status, answer, header := p.ask(method, path, `{"receiveTimeout":2}`)
			if status != 200 || answer != want || header.Get("Content-Length") != strconv.Itoa(len(want)) {
				t.Errorf("%s %s: %d %q %v, want %q", method, path, status, answer, header, want)
			}
		}
	}
	status, answer, header = p.ask("OPTIONS", "/waInstance1/anything/wrong", "")
	if status != 204 || answer != "" || header.Get("Access-Control-Allow-Origin") != "*" || header.Get("Access-Control-Allow-Methods") != "GET, POST, OPTIONS, DELETE" {
		t.Errorf("a page that asks whether it may: %d %q %v", status, answer, header)
	}
}

// Only the head's receipt deletes, and any other number is answered alike.
func TestOnlyTheHeadsReceiptDeletes(t *testing.T) {
	t.Parallel()
	p := newPlace(t, crm())
	p.begin()
	p.push(1)
	for receipt, want := range map[string]string{"-1": "false", "0": "false", "9223372036854775808": "false", "1.5": "false", "7": "false"} {
		if status, answer := p.delete(receipt); status != 200 || !strings.HasPrefix(answer, `{"result":`+want+`,"reason":"`) {
			t.Errorf("deleting %s: %d %q", receipt, status, answer)
		}
	}
	for _, receipt := range []string{"", "x"} {
		if status, answer := p.delete(receipt); status != 400 || answer != "" {
			t.Errorf("deleting %q: %d %q", receipt, status, answer)
		}
	}
	if status, answer := p.delete(strconv.Itoa(int(p.head().ReceiptID))); status != 200 || answer != `{"result":true,"reason":""}` {
		t.Errorf("deleting the head: %d %q", status, answer)
	}
}

func TestNobodyElseIsAnswered(t *testing.T) {
	t.Parallel()
	other := crm()
	other.Name, other.Instances, other.Tokens = "other", []string{"42"}, []config.Secret{config.NewSecret("another-token-0123456789")}
	p := newPlace(t, crm(), other)
	var all sync.WaitGroup
	for _, path := range []string{
		"/waInstance" + id + "/receiveNotification/wrong", "/waInstance" + id + "/deleteNotification/wrong/1",
		"/waInstance" + id + "/receiveNotification/another-token-0123456789", "/waInstance" + id + "/sendMessage/wrong",
	} {
		all.Go(func() {
			if status, answer, _ := p.ask("GET", path, ""); status != 401 || answer != "" {
				t.Errorf("%s: %d %q", path, status, answer)
			}
		})
	}
	all.Wait()
	statuses := make(chan int, 30)
	for range 30 {
		all.Go(func() {
			status, _, _ := p.ask("GET", "/waInstance"+id+"/receiveNotification/wrong", "")
			statuses <- status
		})
	}
	all.Wait()
	close(statuses)
	for status := range statuses {
		if status != 401 && status != 429 {
			t.Errorf("status %d", status)
		}
	}
}

// An event that comes while a bot waits is handed out at once; one that a bot did not delete is handed out again, also by
// another process.
func TestBotThatWaitsIsWokenAndTheHeadStays(t *testing.T) {
	t.Parallel()
	p := newPlace(t, crm())
	p.begin()
	answers := make(chan string, 1)
	go func() {
		_, answer := p.receive("?receiveTimeout=55")
		answers <- answer
	}()
	body := p.push(1)[0]
	select {
	case answer := <-answers:
		if !strings.HasSuffix(answer, `,"body":`+body+`}`) {
			t.Errorf("woken with %q", answer)
		}
	case <-time.After(atMost):
		t.Fatal("it was not woken")
	}
	first := p.head()
	p.start()
	if again := p.head(); again.ReceiptID != first.ReceiptID || string(again.Body) != body {
		t.Errorf("first %+v, after a restart %+v", first, again)
	}
}

func TestNewBotBeginsWithWhatComesFromNowOn(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.push(3)
	p.bots["crm"] = crm()
	p.start()
	p.begin()
	if body := p.push(1)[0]; string(p.head().Body) != body {
		t.Error("it got something else first")
	}
}

func TestTooOldEventsArePassedOverAndCounted(t *testing.T) {
	t.Parallel()
	bot := crm()
	bot.Keep = 2 * time.Second
	p := newPlace(t, bot)
	p.begin()
	p.push(3)
	ctx := streamtest.Context(t)
	positions := position.NewClient(p.streams.Client)
	streamtest.Eventually(ctx, t, "they are passed over", func() bool {
		p.receive("?receiveTimeout=1")
		at, err := positions.Read(ctx, "crm", id)
		return err == nil && at.PassedOver == 3 && !at.LateAt.IsZero()
	})
}

func TestTypesAreChosenAndWhatWaitsIsCounted(t *testing.T) {
	t.Parallel()
	bot := crm()
	bot.Types = []string{"incomingCall", "stateInstanceChanged"}
	p := newPlace(t, bot)
	p.begin()
	p.store("outgoingCall", id, `{"no":1}`)
	p.push(2)
	p.store("stateInstanceChanged", id, `{"stateInstance":"suspended"}`)
	if _, answer, _ := p.ask("GET", "/waInstance"+id+"/getWebhooksCount/"+botToken, ""); answer != `{"count":3}` {
		t.Errorf("waiting %q", answer)
	}
	if _, answer, _ := p.ask("GET", "/waInstance"+id+"/getStateInstance/"+botToken, ""); answer != `{"stateInstance":"suspended"}` {
		t.Errorf("state %q", answer)
	}
	if _, answer, _ := p.ask("GET", "/waInstance"+id+"/getSettings/"+botToken, ""); !strings.Contains(answer, `"incomingWebhook":"yes"`) || !strings.Contains(answer, `"webhookUrl":""`) {
		t.Errorf("settings %q", answer)
	}
	if got := string(p.head().Body); got != bodyOf(0) {
		t.Errorf("first %q", got)
	}
	if _, answer, _ := p.ask("DELETE", "/waInstance"+id+"/clearWebhooksQueue/"+botToken, ""); answer != `{"isCleared":true,"reason":""}` {
		t.Errorf("cleared %q", answer)
	}
	if _, answer, _ := p.ask("DELETE", "/waInstance"+id+"/clearWebhooksQueue/"+botToken, ""); !strings.HasPrefix(answer, `{"isCleared":false,"reason":"Too many requests","leftTime":`) {
		t.Errorf("cleared again %q", answer)
	}
	if _, answer := p.receive("?receiveTimeout=1"); answer != "null" {
		t.Errorf("then %q", answer)
	}
}

func TestNinthRequestOfABotThatWaitsIsRefused(t *testing.T) {
	t.Parallel()
	p := newPlace(t, crm())
	p.begin()
	answers := make(chan string, 9)
	for range 9 {
		go func() {
			status, answer := p.receive("?receiveTimeout=55")
			answers <- strconv.Itoa(status) + " " + answer
		}()
	}
	if first := <-answers; first != "503 " {
		t.Errorf("answered %q", first)
	}
	p.push(1)
	for range 8 {
		if got := <-answers; !strings.HasPrefix(got, `200 {"receiptId"`) {
			t.Errorf("another: %q", got)
		}
	}
}

// A position that is ahead of all events, because these came out of a backup, would pass by without a word what comes next.
func TestBotThatIsAheadOfTheEventsGetsWhatComesNext(t *testing.T) {
	t.Parallel()
	p := newPlace(t, crm())
	p.begin()
	for _, pushed := range p.push(3) {
		head := p.head()
		if string(head.Body) != pushed {
			t.Fatalf("the head is %q, want %q", head.Body, pushed)
		}
		p.delete(strconv.Itoa(int(head.ReceiptID)))
	}
	ctx, js := streamtest.Context(t), p.streams.JetStream()
	events, err := js.Stream(ctx, stream.Events)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(ctx, stream.Events); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(ctx, events.CachedInfo().Config); err != nil {
		t.Fatal(err)
	}
	p.start() // The one before believes for some seconds that there are as many events as it has seen.
	pushed := p.push(1)[0]
	if head := p.head(); string(head.Body) != pushed {
		t.Errorf("the head is %q, want %q", head.Body, pushed)
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(p.alerts) != 1 || !strings.Contains(p.alerts[0].Title, "ahead of all events") {
		t.Errorf("the operator is told %v", p.alerts)
	}
}
