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

	"sluice.internal/gateway/budget"
	"sluice.internal/gateway/connections"
	"sluice.internal/gateway/rejection"
	"sluice.internal/shared/forwarded"
	"sluice.internal/shared/metrics"
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

// Gateway serves the sources' paths. New makes one. All its fields are set before Run and only read afterwards, except for
// those that guard themselves.
type Gateway struct {
	settings    Settings
	store       Store
	log         *slog.Logger
	listener    net.Listener
	server      *http.Server
	clients     forwarded.Clients
	peers       clientCertificates
	certificate *serverCertificate // nil without TLS
	connections *connections.Listener
	bodies      *budget.Budget
	rejections  *rejection.Recorder
	outage      *outage
	counts      *metrics.Gateway
	stopping    atomic.Bool
	// cutOff ends what still publishes when the time for a shutdown is over. It is no request's context, so it
	// can't come as an argument.
	cutOff context.Context
	cut    context.CancelFunc
}

// New checks the settings and opens the listener, so that a port in use shows at once. All faults of the
// settings are in the error. Only Run closes the listener again.
func New(settings Settings, store Store, log *slog.Logger) (*Gateway, error) {
	if err := settings.check(store.MaxBody()); err != nil {
		return nil, fmt.Errorf("check settings of the gateway: %w", err)
	}
	listener, err := listen(settings.Listen)
	if err != nil {
		return nil, err
	}
	plan := planMemory(settings.MemoryLimit, settings.TLS.CertFile != "")
	bodies := newBodies(&settings, plan)
	settings.Sources = limitBodies(&settings, store.MaxBody(), bodies.MaxBody(), log)
	g := &Gateway{
		settings: settings, store: store, log: log, listener: listener, bodies: bodies,
		connections: connections.New(listener, connections.Limits{Connections: plan.connections, Headers: plan.headers}, bodies.Displace),
		clients:     forwarded.Configured(settings.Gateway),
		outage:      &outage{log: log},
		counts:      settings.Metrics.Gateway(sourceNames(settings.Sources)),
		rejections: rejection.New(rejection.Settings{
			Store: store, Log: log, Sources: settings.Sources, Memory: plan.rejections, Alert: settings.Alert,
		}),
	}
	if err := g.setUpTLS(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	g.cutOff, g.cut = context.WithCancel(context.Background())
	g.server = g.newServer()
	return g, nil
}

// sourceNames are the labels that metrics have from the start.
func sourceNames(sources []*source.Configured) []string {
	names := make([]string, len(sources))
	for i, from := range sources {
		names[i] = from.Name
	}
	return names
}

// listen opens the address. The resolution comes first, so that a nonsensical address has an error of its own.
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

// newServer makes the server. Each of its times is bounded, so that no client can hold a connection for ever; the time for
// writing covers reading the request and the longest publish, because net/http counts it from the header on.
func (g *Gateway) newServer() *http.Server {
	var longest time.Duration
	for _, from := range g.settings.Sources {
		longest = max(longest, from.PublishDeadline)
	}
	return &http.Server{
		Handler:           g.handler(),
		ConnState:         g.connections.ConnState,
		ConnContext:       connections.ConnContext,
		ReadHeaderTimeout: g.settings.HeaderTimeout,
		ReadTimeout:       g.firstTimeout(),
		IdleTimeout:       g.settings.IdleTimeout,
		WriteTimeout:      g.settings.ReadTimeout + longest + writeSlack,
		MaxHeaderBytes:    int(g.settings.HeaderLimit),
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
		// Otherwise "OPTIONS *" would be answered past the routes.
		DisableGeneralOptionsHandler: true,
	}
}

// firstTimeout is how long header and the beginning of the body may take. What has begun gets more time as it comes.
func (g *Gateway) firstTimeout() time.Duration {
	if g.settings.MinRate == 0 {
		return g.settings.ReadTimeout
	}
	return min(g.settings.HeaderTimeout+bodyGrace, g.settings.ReadTimeout)
}

// handler serves the sources' paths, and what is beside them.
func (g *Gateway) handler() http.Handler {
	routes := g.routes()
	if g.settings.Beside == nil {
		return routes
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.settings.IsBeside(r.URL.Path) {
			g.settings.Beside.ServeHTTP(w, r)
			return
		}
		routes.ServeHTTP(w, r)
	})
}

// routes registers every path with and without a slash at the end. Doubled slashes count as one.
func (g *Gateway) routes() http.Handler {
	router := echo.New()
	router.HTTPErrorHandler = g.routingError
	for _, from := range g.settings.Sources {
		paths := []string{from.Path, from.Path + "/"}
		if from.SecretInPath() {
			paths = append(paths, from.Path+"/:secret", from.Path+"/:secret/")
		}
		for _, path := range paths {
			router.POST(path, g.handle(from, g.webhook))
			if from.Challenge.Method == http.MethodGet {
				router.GET(path, g.handle(from, g.challenge))
				router.HEAD(path, g.handle(from, g.challenge))
			} else if from.Provider.TakesGET {
				router.GET(path, g.handle(from, g.query))
			}
			// For a path that has a route, "not found" means: with any other method.
			router.RouteNotFound(path, g.handle(from, methodNotAllowed("POST")))
		}
	}
	if g.settings.AdminServed {
		return singleSlashes(router)
	}
	for path, serve := range map[string]serveFunc{pathHealth: healthy, pathReady: g.ready} {
		router.GET(path, g.handle(nil, serve))
		router.HEAD(path, g.handle(nil, serve))
		router.RouteNotFound(path, g.handle(nil, methodNotAllowed("GET, HEAD")))
	}
	return singleSlashes(router)
}

// Address is where the gateway listens, host and port.
func (g *Gateway) Address() string { return g.listener.Addr().String() }

// Run serves until the context ends. Then it is no longer ready, takes no new connection, lets the requests
// under way end, writes the last rejections and returns nil; what it could not end in time it cuts off and
// says so in the error. A request that was cut off got no answer, so its sender repeats it. Run can be called
// once.
func (g *Gateway) Run(ctx context.Context) error {
	// Rejections are written until the last request was answered.
	recording, stopRecording := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRecording()
	var background sync.WaitGroup
	background.Go(func() { g.rejections.Run(recording) })

	served := make(chan error, 1)
	go func() { served <- g.serve() }()
	g.logStart()

	err := g.wait(ctx, served)
	stopRecording()
	background.Wait()
	g.log.Info("gateway stopped")
	return err
}

// wait returns when the server has stopped: because the context ended, or because it can't serve any more.
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

// shutDown lets requests under way end, within the time for it, and then cuts them off. What still publishes is given up
// before the connections are closed: a request that is cut off must not be stored behind the sender's back.
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

// logStart has a line for each source, at WARN for one that anybody may send to.
func (g *Gateway) logStart() {
	g.log.Info("gateway listening", "address", g.Address())
	g.warnOfWideProxies()
	for _, from := range g.settings.Sources {
		log := g.log.Info
		if from.TakesEverybody() {
			log = g.log.Warn
		}
		log("source open", "source", from.Name, "provider", from.Provider.Name, "path", from.Path+"/",
			"token_required", from.Verifier != nil,
			"allowlist", !from.Allow.Allows(netip.Addr{})) // Without a list an unknown address is allowed too.
	}
}

// maxProxies4 and maxProxies6 are how short the prefix of an address may be whose word about certificates is taken without
// a warning.
const (
	maxProxies4 = 28
	maxProxies6 = 120
)

// warnOfWideProxies says that a header with a certificate is believed from more addresses than there are proxies. Whoever has
// one of these needs no private key: the public half of a certificate is enough.
func (g *Gateway) warnOfWideProxies() {
	if g.settings.ClientCertHeader == "" {
		return
	}
	for _, prefix := range g.settings.TrustedProxies {
		narrow := maxProxies6
		if prefix.Addr().Is4() {
			narrow = maxProxies4
		}
		if prefix.Bits() < narrow {
			g.log.Warn("a client's certificate is believed from many addresses: whoever has one of them needs no key; "+
				"name the proxies alone in gateway.trusted_proxies",
				"prefix", prefix.String(), "client_cert_header", g.settings.ClientCertHeader)
		}
	}
}
