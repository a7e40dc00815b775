package poller_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/gateway/poller"
	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi/mock"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	timeout = time.Minute
	id      = "1101000001"
	token   = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	// faster is how many times faster than the real one the clock of these tests is.
	faster = 1000
)

// world is a mock of GREEN-API, a store in memory, and all that a poller said.
type world struct {
	t        *testing.T
	api      *mock.API
	instance *mock.Instance
	url      string
	began    time.Time

	mutex      sync.Mutex
	stored     []notification.Notification
	rejections []notification.Rejection
	alerts     []notification.Alert
	state      stream.PollState
	log        bytes.Buffer
	holder     string // of the lease
	// refuse is what the store answers, nil for taking everything; block is waited for before anything is stored.
	refuse error
	block  chan struct{}
}

func newWorld(t *testing.T, options mock.Options) *world {
	t.Helper()
	if options.MaxWait == 0 {
		options.MaxWait = 20 * time.Millisecond
	}
	w := &world{t: t, api: mock.New(options), began: time.Now()}
	w.instance = w.api.Add(id, token)
	server := httptest.NewServer(w.api)
	w.url = server.URL
	t.Cleanup(func() {
		server.Close()
		w.holdsNoToken()
	})
	return w
}

func (w *world) PublishNotification(ctx context.Context, n *notification.Notification) (uint64, error) {
	if w.block != nil {
		select {
		case <-w.block:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.refuse != nil {
		return 0, w.refuse
	}
	w.stored = append(w.stored, *n)
	return uint64(len(w.stored)), nil
}

func (w *world) PublishRejection(_ context.Context, r *notification.Rejection) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.rejections = append(w.rejections, *r)
	return nil
}

func (*world) MaxBody() int64 { return 1 << 20 }

// lease is held by one holder at a time; it never ends by itself here.
type lease struct {
	world  *world
	holder string
}

func (l lease) Hold(context.Context) error {
	l.world.mutex.Lock()
	defer l.world.mutex.Unlock()
	if l.world.holder != "" && l.world.holder != l.holder {
		return stream.ErrHeld
	}
	l.world.holder = l.holder
	return nil
}

func (l lease) Release(context.Context) error {
	l.world.mutex.Lock()
	defer l.world.mutex.Unlock()
	if l.world.holder == l.holder {
		l.world.holder = ""
	}
	return nil
}

func (w *world) Write(line []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.log.Write(line)
}

// start polls until stop is called or the test ends.
func (w *world) start() (stop func()) {
	w.t.Helper()
	written := map[string]config.Source{"green-api": {
		Name: "green-api", Auth: config.AuthNone,
		Instances: map[string]config.Instance{
			id:   {ID: id, Receive: config.ReceiveHTTPAPI, APIURL: w.url, Token: config.NewSecret(token), Wait: 20 * time.Second},
			"99": {ID: "99", Receive: config.ReceiveWebhook},
		},
	}}
	sources, err := source.Configure(written)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := poller.New(poller.Settings{
		Sources: sources, Written: written, BodyLimit: 64 << 10, ShutdownTimeout: timeout, Store: w,
		NewLease: func(_, _, holder string, _ time.Duration) poller.Lease { return lease{w, holder} },
		Report: func(_ context.Context, state stream.PollState) error {
			w.mutex.Lock()
			defer w.mutex.Unlock()
			w.state = state
			return nil
		},
		Alert: func(alert notification.Alert) {
			w.mutex.Lock()
			defer w.mutex.Unlock()
			w.alerts = append(w.alerts, alert)
		},
		Now: func() time.Time { return w.began.Add(time.Since(w.began) * faster) },
		Sleep: func(ctx context.Context, d time.Duration) error {
			select {
			case <-time.After(d / faster):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}, slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil || p.Instances() != 1 {
		w.t.Fatalf("%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

// push puts so many notifications into the queue and returns them.
func (w *world) push(count int) (bodies []string) {
	for n := range count {
		body := fmt.Sprintf(`{"typeWebhook":"incomingCall", "instanceData":{"idInstance":%s}, "idMessage":"%d", "x":"<&>é"}`, id, n)
		w.instance.Push([]byte(body))
		bodies = append(bodies, body)
	}
	return bodies
}

func (w *world) eventually(what string, done func() bool) {
	w.t.Helper()
	deadline := time.After(timeout)
	for {
		w.mutex.Lock()
		is := done()
		w.mutex.Unlock()
		if is {
			return
		}
		select {
		case <-deadline:
			w.t.Fatalf("not in time: %s; log:\n%s", what, w.text())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (w *world) text() string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.log.String()
}

// bodies returns what is stored, repetitions of what came directly before left out, as the key leaves them out.
func (w *world) bodies() (bodies []string) {
	for _, n := range w.stored {
		bodies = append(bodies, string(n.Body))
	}
	return slices.Compact(bodies)
}

func (w *world) told(title string) bool {
	return slices.ContainsFunc(w.alerts, func(a notification.Alert) bool { return strings.Contains(a.Title, title) })
}

// holdsNoToken holds the promise about the token against everything that was said.
func (w *world) holdsNoToken() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	said, err := json.Marshal([]any{w.rejections, w.alerts, w.state})
	if err != nil || strings.Contains(w.log.String()+string(said), token) {
		w.t.Errorf("the token was said (error %v)", err)
	}
}

func TestWhatIsPushedIsStoredInOrderToTheByteAndThenDeleted(t *testing.T) {
	t.Parallel()
	for _, options := range []mock.Options{{}, {Empty: "none", ReceiptPerDelivery: true}, {Empty: "newline", Limits: true}} {
		w := newWorld(t, options)
		pushed := w.push(60)
		w.start()
		w.eventually("all are stored", func() bool { return slices.Equal(w.bodies(), pushed) })
		w.eventually("all are deleted", func() bool { return w.instance.Deleted() == len(pushed) })
		w.mutex.Lock()
		first := w.stored[0]
		w.mutex.Unlock()
		if first.Source != "green-api" || first.Type != "incomingCall" || first.Instance != id || first.RequestID == "" ||
			first.RemoteAddress != "127.0.0.1" || first.Header["Sluice-Via"] != "http-api" {
			t.Errorf("stored as %+v", first)
		}
	}
}

// Whatever goes wrong, with asking or with deleting: all that was pushed is stored, in order, and deleted.
func TestEveryFaultIsOverWhenItIsOver(t *testing.T) {
	t.Parallel()
	faults := append(mock.FaultNames(), "401", "403", "404", "429", "466", "499", "500", "502")
	for _, fault := range faults {
		for _, method := range []string{"receiveNotification", "deleteNotification"} {
			if fault == mock.FaultHang || fault == mock.FaultSlow { // They take real time.
				continue
			}
			t.Run(method+"/"+fault, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, mock.Options{})
				pushed := w.push(8)
				w.instance.Faults(mock.Fault{Method: method, Name: fault, Times: 3})
				w.start()
				w.eventually("the queue is empty", func() bool { return w.instance.Waiting() == 0 })
				w.mutex.Lock()
				defer w.mutex.Unlock()
				// What is no JSON is stored as it is, and only then comes as it should be.
				got := slices.DeleteFunc(w.bodies(), func(body string) bool { return !json.Valid([]byte(body)) })
				want := pushed
				if fault == mock.FaultNoJSON && method == "receiveNotification" {
					want = pushed[3:]
				}
				if !slices.Equal(got, want) {
					t.Errorf("got  %q\nwant %q", got, want)
				}
			})
		}
	}
}

func TestFaultsAtRandomLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mock.Options{})
	pushed := w.push(100)
	var faults []mock.Fault
	for _, name := range []string{"500", "429", mock.FaultCut, mock.FaultTruncated, mock.FaultHTML, mock.FaultEmpty, mock.FaultLoseDelete, mock.FaultStarting} {
		faults = append(faults, mock.Fault{Name: name, Chance: 0.05})
	}
	w.instance.Faults(faults...)
	w.start()
	w.eventually("the queue is empty", func() bool { return w.instance.Waiting() == 0 })
	w.eventually("all are stored in order", func() bool { return slices.Equal(w.bodies(), pushed) })
}

func TestWhatIsNotStoredStaysAtGreenAPI(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{stream.ErrFull, stream.ErrUnavailable} {
		w := newWorld(t, mock.Options{})
		w.refuse = failure
		pushed := w.push(3)
		w.start()
		w.eventually("it is said", func() bool { return w.state.State == stream.PollNoCapacity })
		w.eventually("it is asked for again", func() bool { return w.instance.Calls("receiveNotification") > 3 })
		if w.instance.Calls("deleteNotification") != 0 || w.instance.Waiting() != 3 {
			t.Errorf("%v: %d deletions", failure, w.instance.Calls("deleteNotification"))
		}
		w.mutex.Lock()
		w.refuse = nil
		w.mutex.Unlock()
		w.eventually("all are stored", func() bool { return slices.Equal(w.bodies(), pushed) })
		w.eventually("all is well", func() bool { return w.state.State == stream.PollReceiving })
	}
}

func TestDeletionThatChangesNothingIsToldAndStoredOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mock.Options{})
	w.push(1)
	w.instance.Faults(mock.Fault{Method: "deleteNotification", Name: mock.FaultLieDelete})
	w.start()
	w.eventually("it is told", func() bool { return w.told("is stuck") && w.state.State == stream.PollStuck })
	w.mutex.Lock()
	if len(w.stored) != 1 {
		t.Errorf("stored %d times", len(w.stored))
	}
	w.mutex.Unlock()
	w.instance.Faults()
	w.eventually("all is well", func() bool { return w.instance.Waiting() == 0 && w.state.State == stream.PollReceiving })
}

// Each has its state, and the operator is told what to do; when it is over the poller goes on by itself.
func TestWhatOnlyAPersonCanPutRightIsToldAtOnce(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]struct{ state, title string }{
		"401": {stream.PollRefused, "refuses the token"}, "403": {stream.PollRefused, "no such instance"}, "466": {stream.PollRefused, "tariff"},
		mock.FaultWebhookSet: {stream.PollWebhookSet, "elsewhere"}, mock.FaultHTML200: {stream.PollStuck, "is stuck"},
		"500": {stream.PollUnavailable, "does not answer"}, mock.FaultStarting: {stream.PollStarting, "does not get ready"},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, mock.Options{})
			pushed := w.push(2)
			w.instance.Faults(mock.Fault{Method: "receiveNotification", Name: fault})
			w.start()
			w.eventually("it is told", func() bool { return w.told(want.title) && w.state.State == want.state && w.state.Error != "" })
			w.instance.Faults()
			w.eventually("it goes on", func() bool { return slices.Equal(w.bodies(), pushed) && w.state.State == stream.PollReceiving })
			w.mutex.Lock()
			defer w.mutex.Unlock()
			if kept := len(w.rejections); fault == mock.FaultHTML200 && kept != 1 || fault != mock.FaultHTML200 && kept != 0 {
				t.Errorf("%d answers were kept", kept)
			}
		})
	}
}

func TestNotificationThatIsTooLargeIsKeptAndTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mock.Options{})
	w.instance.Push([]byte(`{"x":"` + strings.Repeat("x", 70<<10) + `"}`))
	w.start()
	w.eventually("it is told", func() bool { return w.told("is stuck") && len(w.rejections) == 1 })
	if w.instance.Waiting() != 1 {
		t.Error("it was deleted")
	}
}

// With everything switched off GREEN-API answers at once, where a poller must not ask as fast as it can.
func TestInstanceWithNothingSwitchedOnIsAskedSeldomAndTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mock.Options{})
	off := map[string]string{}
	for name := range w.instance.Settings() {
		if strings.HasSuffix(name, "Webhook") {
			off[name] = "no"
		}
	}
	w.instance.Set(off)
	w.start()
	w.eventually("it is told", func() bool { return w.told("no notifications switched on") })
	if calls := w.instance.Calls("receiveNotification"); calls > 40 {
		t.Errorf("asked %d times in a minute", calls)
	}
}

func TestOneProcessPollsAnInstanceAndAnotherGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mock.Options{})
	first := w.start()
	w.eventually("one polls", func() bool { return w.holder != "" })
	w.mutex.Lock()
	holder := w.holder
	w.mutex.Unlock()
	w.start()
	pushed := w.push(10)
	w.eventually("all are stored", func() bool { return slices.Equal(w.bodies(), pushed) })
	w.mutex.Lock()
	if w.holder != holder || strings.Count(w.log.String(), "msg=\"polling GREEN-API\"") != 1 {
		t.Errorf("two poll: %s", w.log.String())
	}
	w.mutex.Unlock()
	first()
	w.instance.Push([]byte(`{"typeWebhook":"a"}`))
	w.eventually("the other goes on", func() bool { return len(w.stored) == 11 })
}

func TestStopStoresAndDeletesWhatWasHandedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mock.Options{})
	w.block = make(chan struct{})
	w.push(2)
	stop := w.start()
	w.eventually("it is handed out", func() bool { return w.instance.Calls("receiveNotification") == 1 })
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	select {
	case <-stopped: // It may be that nothing had been handed out yet.
	case w.block <- struct{}{}:
		<-stopped
		if w.instance.Deleted() != 1 || len(w.stored) != 1 {
			t.Errorf("%d are stored and %d deleted", len(w.stored), w.instance.Deleted())
		}
	}
	if w.holder != "" {
		t.Error("the lease was not given up")
	}
}
