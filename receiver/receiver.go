// Package receiver is the receive API: it hands events out to bots as GREEN-API's HTTP API hands out notifications, so that an
// existing bot only changes its URL.
//
// Each bot has a position in the events of each instance. The event behind it is the head of the bot's queue, and stays the
// head until the bot deletes it, whoever asks and however often; then the position is moved by compare-and-set and synced
// before the bot is told. So a bot that crashes, a receiver that is killed and an answer that is lost cost nothing but the
// same event once more.
//
// Answers are exact: GREEN-API's official clients end with an answer that is not what they expect. To receiveNotification it
// is a whole notification, the four bytes null, or another status without a body; a newline or a JSON error kills some.
//
// Where to look:
//
//	receiver.go   the settings, starting and stopping
//	path.go       what is asked: the path of a request, and who asks
//	answer.go     what is answered, to the byte
//	queue.go      receiveNotification, deleteNotification, getWebhooksCount, clearWebhooksQueue
//	ahead.go      a position that is ahead of all events
//	account.go    getSettings, setSettings, getStateInstance
//	forward.go    all other methods, which go on to GREEN-API
//	refuse.go     who may not ask, and how that is slowed down
//	states.go     what is told about each bot; heads that do not go
package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/forwarded"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/position"
)

const (
	// beginRetry is how long to wait before the positions of bots are made again, while the store does not answer.
	beginRetry = time.Second
	// Times of the listener. GREEN-API's Go client makes a connection for each request and leaves it idle.
	headerTimeout = 10 * time.Second
	readTimeout   = 2 * time.Minute
	writeTimeout  = 3 * time.Minute
	idleTimeout   = 15 * time.Second
	maxHeader     = 16 << 10
)

// Settings are what a Receiver needs to know.
type Settings struct {
	Bots    map[string]config.Bot
	Sources map[string]config.Source
	// Positions are where bots are, and the events.
	Positions *position.Client
	// ShutdownTimeout is how long a stop waits for requests under way.
	ShutdownTimeout time.Duration
	// Clients tells where a request comes from, behind proxies.
	Clients forwarded.Clients
	// Alert tells the operator and does not block.
	Alert func(alert notification.Alert)
}

// Receiver serves the receive API. New makes one; it is an http.Handler for the paths of IsPath.
type Receiver struct {
	settings Settings
	log      *slog.Logger
	bots     []*bot
	failures failures
	states   states
	ends     ends
	upstream *http.Client
	idle     func()
	// stopping is closed when the process ends, so that who waits is answered at once.
	stopping chan struct{}
	stop     func()
}

// bot is one that may ask.
type bot struct {
	config.Bot

	began   begun
	waiting waiting
}

// New makes a receiver of the bots.
func New(settings Settings, log *slog.Logger) *Receiver {
	transport := newTransport()
	r := &Receiver{
		settings: settings, log: log, stopping: make(chan struct{}), idle: transport.CloseIdleConnections,
		upstream: &http.Client{
			Transport: transport, Timeout: forwardTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	r.stop = sync.OnceFunc(func() { close(r.stopping) })
	r.states.receiver = r
	for _, name := range slices.Sorted(maps.Keys(settings.Bots)) {
		r.bots = append(r.bots, &bot{Bot: settings.Bots[name]})
	}
	return r
}

// Bots is how many bots there are.
func (r *Receiver) Bots() int { return len(r.bots) }

// Run notes where new bots begin, and tells how they are, until the context ends. Then who waits is answered.
func (r *Receiver) Run(ctx context.Context) error {
	defer r.idle()
	defer r.stop()
	context.AfterFunc(ctx, r.stop)
	for _, one := range r.bots {
		for {
			err := one.began.once(ctx, r.settings.Positions, one.Name)
			if err == nil || ctx.Err() != nil {
				break
			}
			r.log.Warn("bot can't begin yet", "bot", one.Name, "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(beginRetry):
			}
		}
	}
	r.states.tell(ctx)
	return nil
}

// begun remembers that a bot has its beginning.
type begun struct {
	mutex sync.Mutex
	done  bool
}

// once makes the bot's beginning where that was not done.
func (b *begun) once(ctx context.Context, positions *position.Client, name string) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.done {
		return nil
	}
	err := positions.Begin(ctx, name)
	b.done = err == nil
	return err
}

// Server serves a receiver on a listener of its own.
type Server struct {
	receiver *Receiver
	listener net.Listener
	server   *http.Server
}

// Listen opens the address, so that a port in use shows at once.
func (r *Receiver) Listen(ctx context.Context, address string) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	return &Server{receiver: r, listener: listener, server: &http.Server{
		Handler: r, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(r.log.Handler(), slog.LevelDebug),
	}}, nil
}

// Address is where it listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Run serves until the context ends. Then who waits is answered, and requests under way end within the shutdown timeout.
func (s *Server) Run(ctx context.Context) error {
	s.receiver.log.Info("receiver listening", "address", s.Address(), "bots", s.receiver.Bots())
	ended := make(chan error, 1)
	go func() { ended <- s.server.Serve(s.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve the receive API: %w", err)
	case <-ctx.Done():
	}
	s.receiver.stop()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.receiver.settings.ShutdownTimeout)
	defer cancel()
	err := s.server.Shutdown(ending)
	if err != nil {
		err = errors.Join(err, s.server.Close())
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
