// Package poller takes notifications out of GREEN-API's queues, for those who have no address to which it could post them.
//
// What it takes goes the way of a webhook: the same source, the same stream, the same key. A notification is deleted at
// GREEN-API only once it is stored here, so that the end of this process at any moment loses nothing; what was stored and not
// deleted comes again and is folded by its key.
//
// One loop serves each instance, since GREEN-API hands out one notification at a time. A lease keeps other processes from
// polling the same one. Two that do so for a moment do no harm.
//
// Where to look:
//
//	poller.go    the settings, and a loop for each instance
//	instance.go  whose an instance is: the lease, what is said about it
//	poll.go      one round: ask, store, delete
//	trouble.go   what each failure means, how long to wait, what the operator is told
//	repeats.go   queues that hand out the same again and again, or nothing without waiting
package poller

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
)

// Store is where notifications and unreadable answers go. It is used concurrently.
type Store interface {
	// PublishNotification returns once the notification is stored.
	PublishNotification(ctx context.Context, n *notification.Notification) (receipt uint64, err error)
	// PublishRejection stores an answer that could not be read.
	PublishRejection(ctx context.Context, r *notification.Rejection) error
	// MaxBody is the largest body in bytes that it takes.
	MaxBody() int64
}

// Lease is the right to poll one instance.
type Lease interface {
	// Hold takes it or makes it last. It returns stream.ErrHeld when it is another's.
	Hold(ctx context.Context) error
	// Release gives it up.
	Release(ctx context.Context) error
}

// Settings are what a Poller needs to know.
type Settings struct {
	// Sources are all that are configured; Written is how they were written, with their instances.
	Sources []*source.Configured
	Written map[string]config.Source
	// BodyLimit bounds what is taken from any source, in bytes, and ShutdownTimeout what is under way at the end.
	BodyLimit       int64
	ShutdownTimeout time.Duration
	Store           Store
	// NewLease makes the lease of an instance, not held yet, that lasts so long.
	NewLease func(source, instance, holder string, lasts time.Duration) Lease
	// Report tells how an instance is; what fails is told again later.
	Report func(ctx context.Context, state stream.PollState) error
	// Alert tells the operator and does not block.
	Alert func(alert notification.Alert)
	// Now and Sleep are the clock; tests choose a faster one. Nil means the real one.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
}

// Poller polls instances. New makes one.
type Poller struct {
	settings  Settings
	log       *slog.Logger
	transport *http.Transport
	instances []*instance
}

// New makes a poller of all instances that are configured so. Without any it has nothing to do.
func New(settings Settings, log *slog.Logger) (*Poller, error) {
	if settings.Sleep == nil {
		settings.Now, settings.Sleep = time.Now, service.Sleep
	}
	p := &Poller{settings: settings, log: log, transport: newTransport()}
	holder := processName()
	for _, from := range settings.Sources {
		for _, account := range Polled(settings.Written[from.Name]) {
			one, err := newInstance(p, from, account, holder)
			if err != nil {
				return nil, fmt.Errorf("source %q: %w", from.Name, err)
			}
			p.instances = append(p.instances, one)
		}
	}
	return p, nil
}

// ForStreams makes a poller that works with opened streams, as a process has it.
func ForStreams(cfg *config.Config, streams *stream.Client, alert func(notification.Alert), log *slog.Logger) (*Poller, error) {
	asked := map[string]config.Source{}
	for name, written := range cfg.Sources {
		if len(Polled(written)) > 0 {
			// Nobody sends to a poller, so that it needs nothing to hold requests against.
			written.Auth, written.Token, written.Tokens, written.Secrets = config.AuthNone, config.Secret{}, nil, nil
			asked[name] = written
		}
	}
	sources, err := source.Configure(asked)
	if err != nil {
		return nil, err
	}
	return New(Settings{
		Sources: sources, Written: asked, BodyLimit: int64(cfg.Gateway.BodyLimit), ShutdownTimeout: cfg.Gateway.ShutdownTimeout,
		Store: stream.NewPublisher(streams), Report: streams.PublishPollState, Alert: alert,
		NewLease: func(source, instance, holder string, lasts time.Duration) Lease {
			return streams.PollLease(source, instance, holder, lasts)
		},
	}, log)
}

// Polled returns the instances of a source that are polled, in their order.
func Polled(written config.Source) []config.Instance {
	var polled []config.Instance
	for _, one := range written.Instances {
		if one.Receive == config.ReceiveHTTPAPI {
			polled = append(polled, one)
		}
	}
	slices.SortFunc(polled, func(a, b config.Instance) int { return strings.Compare(a.ID, b.ID) })
	return polled
}

// processName names this process for people, and no other process at the same time.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "/" + rand.Text()[:6]
}

// newTransport makes connections to many instances at few hosts: one for each instance, kept between its requests. A request
// bounds the time of its answer by itself.
func newTransport() *http.Transport {
	const dialTimeout = 10 * time.Second
	return &http.Transport{
		DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext, TLSHandshakeTimeout: dialTimeout,
		MaxIdleConnsPerHost: 1000, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
	}
}

// Instances is how many instances there are to poll.
func (p *Poller) Instances() int { return len(p.instances) }

// Run polls until the context ends. Then the requests under way are cancelled, what was handed out already is stored and
// deleted within the shutdown timeout, and the leases are given up. It returns nil.
func (p *Poller) Run(ctx context.Context) error {
	defer p.transport.CloseIdleConnections()
	if len(p.instances) > 0 {
		p.log.Info("poller started", "instances", len(p.instances))
	}
	var all sync.WaitGroup
	for _, one := range p.instances {
		all.Go(func() { one.run(ctx) })
	}
	<-ctx.Done()
	all.Wait()
	return nil
}

// errLost ends polling because the lease is another's.
var errLost = errors.New("another process polls the instance now")

// client makes the client of an instance.
func (p *Poller) client(account config.Instance) (*greenapi.Client, error) {
	return greenapi.New(greenapi.Account{
		Instance: account.ID, URL: account.APIURL, Token: account.Token.Reveal(),
	}, p.transport)
}
