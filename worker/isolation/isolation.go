// Package isolation looks at what may kill its worker, so that only what does is given up.
package isolation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/worker/storing"
)

const (
	// maxDeaths is how many workers may end while they look at a suspect alone. With the two times that made it one it is
	// handed out for the fifth time then, and not read any more.
	maxDeaths = 2
	// aloneTime is for how long nobody else looks at a suspect. What kills does so at once; a handler that takes longer
	// must not hold up what else is suspected.
	aloneTime = 10 * time.Second
	// maxTogether is how many suspects are looked at at the same time that nobody has died of yet. A worker that is killed
	// leaves thousands of them, nearly all innocent.
	maxTogether = 64
	// endTimeout bounds one attempt to take a mark away, endPause is the time between two.
	endTimeout = 2 * time.Second
	endPause   = time.Second
)

// deadlyError says that a suspect is not looked at any more.
type deadlyError struct{ deaths int }

func (e deadlyError) Error() string {
	return fmt.Sprintf("has killed its worker: it was handed out twice without an outcome, and then %d workers ended while they "+
		"looked at it alone; it was not read again", e.deaths)
}

// IsDeadly reports whether an error says that a suspect kills workers.
func IsDeadly(err error) bool {
	var deadly deadlyError
	return errors.As(err, &deadly)
}

// ErrStopped says that the worker was told to stop before a suspect was looked at.
var ErrStopped = errors.New("the worker is told to stop")

// Isolation is where a worker looks at what may kill it: a notification or an event that was handed out twice without an
// outcome. When a worker dies, everything that it had is suspected, and nearly all of it is innocent. So before it begins with
// a suspect, a mark in the stream of suspects says so. Whoever dies leaves its marks behind, and only that counts against a
// suspect. One that somebody died of already is looked at by itself.
//
//	handed out   1st, 2nd time     3rd time                4th time             5th time
//	             as everything     with a mark, a few      alone, with a mark   dead letter, unread
//	                               at the same time
//
// A worker in good health leaves no mark: it takes its marks away when what it looks at is done, when it has to wait for the
// store, when it is told to stop, and, if it lost its connection, once it has one again. It is safe for concurrent use.
type Isolation struct {
	log *slog.Logger
	// turns has maxTogether tokens; who looks at a suspect alone has all of them.
	turns *semaphore.Weighted
	life  context.Context //nolint:containedctx // The worker's; set before anything is looked at.

	mutex   sync.Mutex
	looks   map[*Look]struct{} // those with a mark
	stopped bool
	// leaving are attempts to take away marks that could not be taken away at once.
	leaving sync.WaitGroup
}

// New returns an isolation in which nothing is looked at yet.
func New(log *slog.Logger) *Isolation {
	return &Isolation{log: log, turns: semaphore.NewWeighted(maxTogether), looks: map[*Look]struct{}{}}
}

// Start takes all marks away as soon as the context ends, because a worker that is told to stop may be killed when it takes
// too long. Stop waits for that.
func (q *Isolation) Start(ctx context.Context) (stop func()) {
	q.life = ctx
	ended := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(ended)
		q.mutex.Lock()
		q.stopped = true
		var all sync.WaitGroup
		for l := range q.looks {
			all.Go(l.End)
		}
		q.mutex.Unlock()
		all.Wait()
	})
	return func() {
		<-ended
		q.leaving.Wait()
	}
}

// Enter waits for its turn and marks the suspect. IsDeadly is true of the error when enough workers died of it. It is
// ErrStopped when the worker is told to stop meanwhile. A mark that the store refuses to take is done without.
func (q *Isolation) Enter(stopping context.Context, suspect *consume.Suspect, store storing.Storer) (*Look, error) {
	l, deaths, err := q.mark(stopping, suspect, store, 1)
	if err != nil || deaths == 0 {
		return l, err
	}
	l.End() //nolint:contextcheck // A mark outlives the work that it is for.
	l, _, err = q.mark(stopping, suspect, store, maxTogether)
	return l, err
}

// mark waits for so many turns and marks the suspect. It returns how many died of it before.
func (q *Isolation) mark(stopping context.Context, suspect *consume.Suspect, store storing.Storer, turns int64) (l *Look, deaths int, err error) {
	if q.turns.Acquire(stopping, turns) != nil {
		return nil, 0, ErrStopped
	}
	l = &Look{isolation: q, suspect: suspect}
	l.giveWay = sync.OnceFunc(func() { q.turns.Release(turns) })
	l.timer = time.AfterFunc(aloneTime, l.giveWay)
	deaths, err = l.begin(stopping, store)
	switch {
	case err == nil && deaths < maxDeaths:
		return l, deaths, nil
	case err == nil:
		err = deadlyError{deaths}
	case storing.IsRefused(err):
		q.log.Warn("suspect is looked at without a mark", "error", err)
		return l, 0, nil
	case stopping.Err() != nil:
		err = ErrStopped
	}
	l.End() //nolint:contextcheck // A mark outlives the work that it is for.
	return nil, deaths, err
}

// Look is one suspect in isolation.
type Look struct {
	isolation *Isolation
	suspect   *consume.Suspect
	giveWay   func() // lets the next suspect in; it may be called again
	timer     *time.Timer

	mutex sync.Mutex // held while the mark is set or taken away
	ended bool
}

// begin sets the mark.
func (l *Look) begin(stopping context.Context, store storing.Storer) (deaths int, err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	q := l.isolation
	q.mutex.Lock()
	stopped := q.stopped
	if !stopped {
		q.looks[l] = struct{}{}
	}
	q.mutex.Unlock()
	if stopped {
		return 0, ErrStopped
	}
	err = store.StoreSmall(stopping, func(ctx context.Context) error {
		deaths, err = l.suspect.Begin(ctx)
		return err
	})
	return deaths, err
}

// End takes the mark away and lets the next suspect in. What can't be taken away at once, because the connection is lost,
// is tried again in the background until the worker stops: this process lives, and its mark must not count. It may be
// called again.
func (l *Look) End() {
	l.timer.Stop()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	defer l.giveWay()
	if l.ended {
		return
	}
	l.ended = true
	if l.takeMarkAway() == nil {
		return
	}
	l.isolation.leaving.Go(func() {
		for stopped := false; !stopped; { // Once more after the worker was told to stop.
			stopped = service.Sleep(l.isolation.life, endPause) != nil
			if l.takeMarkAway() == nil {
				return
			}
		}
	})
}

func (l *Look) takeMarkAway() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.isolation.life), endTimeout)
	defer cancel()
	if err := l.suspect.End(ctx); err != nil {
		l.isolation.log.Debug("mark of a suspect is not taken away", "error", err)
		return err
	}
	l.isolation.mutex.Lock()
	defer l.isolation.mutex.Unlock()
	delete(l.isolation.looks, l)
	return nil
}
