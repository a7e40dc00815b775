package simulate

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"sluice.internal/sluice/ledger"
)

// How GREEN-API behaves. Source:
// https://green-api.com/en/docs/api/receiving/technology-webhook-endpoint/ and its recommendations for receivers.
const (
	DefaultPause   = time.Minute
	DefaultTimeout = 3 * time.Minute
	DefaultExpiry  = 24 * time.Hour

	// DefaultSource is the source whose sender this is.
	DefaultSource = "green-api"

	// DefaultInstances is enough for every messenger to be among them.
	DefaultInstances = 4

	// maxPerSecond is how many notifications an instance sends in a second at most.
	maxPerSecond = 50
)

// Settings say what is sent and where to. The zero value of each field but URL means its default.
type Settings struct {
	// URL is where to send to. Token goes into the Authorization header; without one there is no such header.
	URL, Token string
	// Source is what the ledger calls the source that it is sent to. Default: DefaultSource.
	Source string
	// Instances is how many accounts send, each one notification at a time. Default: DefaultInstances.
	Instances int
	// Duration is how long notifications come into being, Count how many each instance has at most. With neither,
	// only the context ends the run.
	Duration time.Duration
	Count    int
	// Rate is how many notifications come into being in a second, of all instances together and at random times;
	// those that an instance can't send yet wait in its queue. By default an instance has its next one as soon as
	// the one before was accepted. Either way an instance sends 50 a second at most.
	Rate float64
	// Pause is what follows an attempt that was not answered 200, Timeout how long to wait for an answer, and
	// Expiry the age at which a notification is given up. Defaults: DefaultPause, DefaultTimeout, DefaultExpiry.
	Pause, Timeout, Expiry time.Duration
	// Speed divides Pause and Expiry and multiplies the 50 a second. The Timeout stays, because a receiver does not
	// get faster with it. Default: 1.
	Speed float64
	// NoDrain ends the run with Duration or Count, whatever was not accepted by then. By default it is sent again
	// until it is accepted or given up.
	NoDrain bool
	// Seed decides about contents and ids, and about their order in each instance. 0 draws one.
	Seed uint64
	// Duplicates is the part of notifications that is sent once more although it was answered 200, as if the answer
	// had been lost. Unknown is the part with a type that nobody has heard of, Invalid that which no schema accepts.
	// Each is from 0 to 1.
	Duplicates, Unknown, Invalid float64
	// Line is what goes wrong with attempts on their way. What was not answered is sent again like anything else.
	Line []LineFault
	// Ledger is where attempts are written; nil for nowhere. Whoever opened it closes it, after Run.
	Ledger *ledger.File
	// Transport carries the requests. Default: one of its own, without a proxy.
	Transport http.RoundTripper
}

// Simulator is a sender that is ready to run, once.
type Simulator struct {
	settings  Settings
	post      *poster
	tally     *tally
	instances []*instance
}

// New checks the settings and makes up the worlds of the instances. Nothing is sent yet.
func New(settings Settings) (*Simulator, error) {
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	settings = settings.withDefaults()
	s := &Simulator{settings: settings, post: newPoster(settings), tally: newTally()}
	for index := range settings.Instances {
		s.instances = append(s.instances, newInstance(s, index))
	}
	return s, nil
}

// withDefaults fills in what is zero. The timings are GREEN-API's own.
func (s Settings) withDefaults() Settings {
	s.Source = cmp.Or(s.Source, DefaultSource)
	s.Instances = cmp.Or(s.Instances, DefaultInstances)
	s.Pause = cmp.Or(s.Pause, DefaultPause)
	s.Timeout = cmp.Or(s.Timeout, DefaultTimeout)
	s.Expiry = cmp.Or(s.Expiry, DefaultExpiry)
	s.Speed = cmp.Or(s.Speed, 1)
	s.Seed = cmp.Or(s.Seed, randomSeed())
	return s
}

// randomSeed is short enough to be typed again.
func randomSeed() uint64 {
	var random [4]byte
	_, _ = rand.Read(random[:]) // It never fails.
	return uint64(binary.LittleEndian.Uint32(random[:])) + 1
}

// Validate returns everything in the settings that can't be meant, one a line that begins with the setting's name.
func (s Settings) Validate() error {
	s = s.withDefaults()
	var faults []error
	demand := func(met bool, format string, args ...any) {
		if !met {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	to, err := url.Parse(s.URL)
	// What is wrong is not repeated: there may be a password in it.
	demand(err == nil && to.Host != "" && (to.Scheme == "http" || to.Scheme == "https"),
		"url must be an address such as http://127.0.0.1:8080/green-api/webhook")
	demand(s.Instances > 0 && s.Instances <= maxInstances, "instances must be from 1 to %d", maxInstances)
	demand(s.Duration >= 0, "duration must not be negative")
	demand(s.Count >= 0, "count must not be negative")
	demand(s.Pause > 0, "pause must be more than 0")
	demand(s.Timeout > 0, "timeout must be more than 0")
	demand(s.Expiry > 0, "expiry must be more than 0")
	demand(s.Speed > 0, "speed must be more than 0")
	demand(s.Rate >= 0, "rate must not be negative")
	fastest := maxPerSecond * s.Speed * float64(s.Instances)
	demand(s.Rate <= 0 || s.Rate <= fastest, "rate must be at most %g, because each of %d instances sends %g a second at most; take more instances",
		fastest, s.Instances, maxPerSecond*s.Speed)
	demand(s.Duplicates >= 0 && s.Duplicates <= 1, "duplicates must be from 0 to 1")
	chances := 0.0
	for _, fault := range s.Line {
		err := fault.Check()
		demand(err == nil, "fault: %v", err)
		chances += fault.Chance
	}
	demand(chances <= 1, "fault: all chances together must not be more than 1")
	demand(s.Unknown >= 0 && s.Invalid >= 0 && s.Unknown+s.Invalid <= 1, "unknown and invalid must be from 0 to 1, also together")
	return errors.Join(faults...)
}

// scaled is a time of GREEN-API at the speed of the run.
func (s Settings) scaled(d time.Duration) time.Duration {
	return max(time.Duration(float64(d)/s.Speed), 1)
}

// Seed is the seed of the run, also when it was drawn.
func (s *Simulator) Seed() uint64 { return s.settings.Seed }

// Progress is how far the run has come. It is safe for concurrent use.
func (s *Simulator) Progress() Progress { return s.tally.progress() }

// Run sends until the settings say that it is over, or the context ends, which interrupts what is under way. The
// summary is right in any case. The error is that of writing the ledger, which ends the run.
func (s *Simulator) Run(ctx context.Context) (Summary, error) {
	defer s.post.close()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	began := time.Now()
	var until time.Time
	sending := ctx
	if s.settings.Duration > 0 {
		until = began.Add(s.settings.Duration)
		if s.settings.NoDrain {
			var cancel context.CancelFunc
			sending, cancel = context.WithDeadline(ctx, until)
			defer cancel()
		}
	}
	var running sync.WaitGroup
	for _, i := range s.instances {
		i.arrivals.begin(began, until)
		running.Go(func() {
			if err := i.run(ctx, sending); err != nil {
				fail(err)
			}
		})
	}
	running.Wait()
	ended := time.Now()
	for _, i := range s.instances {
		s.tally.leaveQueued(i.arrivals.queued(ended, i.left()))
	}
	var failed *ledger.WriteError
	if errors.As(context.Cause(ctx), &failed) {
		return s.tally.summary(s.settings, ended.Sub(began)), failed
	}
	return s.tally.summary(s.settings, ended.Sub(began)), nil
}
