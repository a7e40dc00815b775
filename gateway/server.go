package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
)

// writeSlack is how much longer an answer may take than reading the request and storing it.
const writeSlack = 10 * time.Second

// Store is where notifications and rejections go. *stream.Streams is one. It is used concurrently.
type Store interface {
	// PublishNotification returns the receipt once the notification is stored. Of its errors the gateway tells
	// apart those of the package stream and the context's.
	PublishNotification(ctx context.Context, n *notification.Notification) (receipt uint64, err error)
	// PublishRejection stores a refused request.
	PublishRejection(ctx context.Context, r *notification.Rejection) error
	// MaxBody is the largest body in bytes that it takes.
	MaxBody() int64
}

// Gateway serves the sources' paths. New makes one.
type Gateway struct {
	settings   Settings
	store      Store
	log        *slog.Logger
	listener   net.Listener
	server     *http.Server
	clients    clientAddresses
	secrets    secrets
	peers      clientCertificates
	inlets     []*inlet
	load       load
	unverified load
	rejections *rejections
	failures   *failures
	summaries  *summaries
	outage     *outage
	stopping   atomic.Bool
	// cutOff ends what still publishes when the time for a shutdown is over. It is no request's context, so it
	// can't come as an argument.
	cutOff context.Context
	cut    context.CancelFunc
}

// New checks the settings and opens the listener, so that a port in use shows at once. All faults of the
// settings are in the error. Only Run closes the listener again.
func New(settings Settings, store Store, log *slog.Logger) (*Gateway, error) {
	settings = settings.withDefaults()
	if err := settings.check(store.MaxBody()); err != nil {
		return nil, fmt.Errorf("check settings of the gateway: %w", err)
	}
	listener, err := listen(settings.Listen)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		settings: settings, store: store, log: log, listener: listener,
		clients:   clientAddresses{trusted: settings.TrustedProxies, header: settings.ForwardedHeader},
		secrets:   secretsOf(settings.Sources),
		summaries: newSummaries(log),
		outage:    &outage{log: log},
		inlets:    newInlets(settings.Sources),
		load:      newLoad(mostLoad, settings.BodyLimit), unverified: newLoad(mostLoad/2, settings.BodyLimit),
	}
	if err := g.setUpTLS(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	g.cutOff, g.cut = context.WithCancel(context.Background())
	g.rejections = newRejections(store, log, g.summaries, g.secrets, settings.BodyLimit)
	g.failures = newFailures()
	g.server = g.newServer()
	return g, nil
}

func listen(address string) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	listener, err := net.ListenTCP("tcp", resolved)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %q: %w: end the program that uses it or choose another address",
			address, syscall.EADDRINUSE)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	return listener, nil
}

func (g *Gateway) newServer() *http.Server {
	var longest time.Duration
	for i := range g.settings.Sources {
		longest = max(longest, g.settings.Sources[i].PublishDeadline)
	}
	return &http.Server{
		Handler:           g.routes(),
		ReadHeaderTimeout: g.settings.HeaderTimeout,
		ReadTimeout:       g.settings.ReadTimeout,
		IdleTimeout:       g.settings.IdleTimeout,
		WriteTimeout:      g.settings.ReadTimeout + longest + writeSlack,
		MaxHeaderBytes:    g.settings.HeaderLimit,
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
		// Otherwise "OPTIONS *" would be answered past the routes.
		DisableGeneralOptionsHandler: true,
	}
}

// routes registers every path with and without a slash at the end.
func (g *Gateway) routes() http.Handler {
	router := echo.New()
	router.HTTPErrorHandler = g.routingError
	for _, from := range g.inlets {
		paths := []string{from.Path, from.Path + "/"}
		if from.Proof == source.PathSecret() {
			paths = append(paths, from.Path+"/:secret", from.Path+"/:secret/")
		}
		for _, path := range paths {
			router.POST(path, g.handle(from, g.webhook))
			if from.Provider.Greet != nil {
				router.GET(path, g.handle(from, g.greet))
			}
			// For a path that has a route, "not found" means: with any other method.
			router.RouteNotFound(path, g.handle(from, only("POST")))
		}
	}
	for path, serve := range map[string]serveFunc{pathHealth: healthy, pathReady: g.ready} {
		router.GET(path, g.handle(nil, serve))
		router.HEAD(path, g.handle(nil, serve))
		router.RouteNotFound(path, g.handle(nil, only("GET, HEAD")))
	}
	return router
}

// Address is where the gateway listens, host and port.
func (g *Gateway) Address() string { return g.listener.Addr().String() }

// Run serves until the context ends. Then it is no longer ready, takes no new connection, lets the requests
// under way end, writes the last rejections and returns nil; what it could not end in time it cuts off and
// says so in the error. A request that was cut off got no answer, so its sender repeats it. Run can be called
// once.
func (g *Gateway) Run(ctx context.Context) error {
	writing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	stopped := make(chan struct{})
	var background sync.WaitGroup
	background.Go(func() { g.rejections.run(writing, stopped) })
	background.Go(func() { g.summaries.run(stopped) })
	background.Go(func() { g.watchRefusals(writing, stopped) })

	served := make(chan error, 1)
	go func() { served <- g.serve() }()
	g.logStart()

	err := g.wait(ctx, served)
	close(stopped)
	defer time.AfterFunc(rejectionPatience, giveUp).Stop()
	background.Wait()
	g.summaries.flush()
	g.log.Info("gateway stopped")
	return err
}

func (g *Gateway) wait(ctx context.Context, served chan error) error {
	select {
	case <-ctx.Done():
		err := g.shutDown(ctx)
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		return err
	case err := <-served:
		return errors.Join(fmt.Errorf("serve on %q: %w", g.Address(), err), g.shutDown(ctx))
	}
}

func (g *Gateway) shutDown(ctx context.Context) error {
	g.stopping.Store(true)
	g.log.Info("gateway stopping")
	defer g.cut()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.settings.ShutdownTimeout)
	defer cancel()
	if err := g.server.Shutdown(ctx); err != nil {
		g.cut()
		return errors.Join(fmt.Errorf("end requests under way within %s: %w", g.settings.ShutdownTimeout, err),
			g.server.Close())
	}
	return nil
}

func (g *Gateway) logStart() {
	g.log.Info("gateway listening", "address", g.Address())
	for i := range g.settings.Sources {
		from := &g.settings.Sources[i]
		open := from.Allow.Allows(netip.Addr{}) // Only without a list is nobody's address allowed.
		tell := g.log.Info
		if open && from.NoAuth {
			tell = g.log.Warn
		}
		tell("source open", "source", from.Name, "provider", from.Provider.Name,
			"path", from.Path+"/", "token_required", !from.NoAuth, "allowlist", !open)
	}
}
