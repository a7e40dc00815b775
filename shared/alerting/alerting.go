// Package alerting tells the operator what a process has noticed, without making anybody wait for it.
//
// Whoever notices something calls [Notifier.Notify], which only puts the alert in a queue. One goroutine stores what
// is queued, one alert after the other. A store that does not answer costs alerts and nothing else: an alert that
// finds the queue full is dropped and counted, and an alert that can't be stored is written to the log in full.
//
// The same thing is told once per window. The store folds what several processes say about the same thing; a Notifier
// remembers what it has queued itself, so that a repetition costs no round trip.
package alerting

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"sluice.internal/shared/notification"
)

const (
	// maxQueued bounds how many alerts wait to be stored.
	maxQueued = 256
	// maxRecent bounds how many fingerprints are remembered. A sender chooses types and instances freely.
	maxRecent = 10_000
	// storeTimeout bounds how long an alert may take. Within it the store is asked again and again.
	storeTimeout = 10 * time.Second
	// stopTimeout bounds how long a stop waits for all that are still queued.
	stopTimeout = 2 * time.Second
	// retryAfter is how soon an alert that was dropped or not stored may be queued again, when the same thing is
	// noticed once more.
	retryAfter = time.Minute
	// reportEvery is how often dropped alerts are reported while the queue never empties.
	reportEvery = time.Minute
)

// Publish stores an alert. First is false when one with the same fingerprint was stored within the store's window.
type Publish func(ctx context.Context, alert *notification.Alert) (first bool, err error)

// Notifier queues alerts and stores them. It is safe for concurrent use. Nothing is stored before Run is called.
type Notifier struct {
	publish Publish
	window  time.Duration
	log     *slog.Logger
	queue   chan notification.Alert

	mutex sync.Mutex
	// recent has until when an alert with a fingerprint is a repetition.
	recent  map[string]time.Time
	dropped int // since they were reported last
}

// New makes a notifier. Window is how long alerts with the same fingerprint count as one, as in the store.
func New(publish Publish, window time.Duration, log *slog.Logger) *Notifier {
	return &Notifier{
		publish: publish, window: window, log: log,
		queue: make(chan notification.Alert, maxQueued), recent: map[string]time.Time{},
	}
}

// Notify queues an alert and never blocks. News is false for a repetition: the same thing was noticed within the
// window. Whether the alert is stored is not known when Notify returns.
func (n *Notifier) Notify(alert notification.Alert) (news bool) {
	fingerprint, now := alert.Fingerprint(), time.Now()
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if now.Before(n.recent[fingerprint]) {
		return false
	}
	select {
	case n.queue <- alert:
		n.remember(fingerprint, now, n.window)
	default:
		n.dropped++
		n.remember(fingerprint, now, min(retryAfter, n.window))
	}
	return true
}

// remember notes that alerts with the fingerprint are repetitions for a while. The caller holds the mutex.
func (n *Notifier) remember(fingerprint string, now time.Time, span time.Duration) {
	if len(n.recent) >= maxRecent {
		maps.DeleteFunc(n.recent, func(_ string, until time.Time) bool { return !now.Before(until) })
	}
	if len(n.recent) >= maxRecent { // At worst something is told twice.
		clear(n.recent)
	}
	n.recent[fingerprint] = now.Add(span)
}

// Publish stores an alert and waits for it, for at most ten seconds. It is for whoever must know that the operator
// will be told. The alert is logged when it is the first of its window.
func (n *Notifier) Publish(ctx context.Context, alert notification.Alert) error {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	first, err := n.publish(bounded, &alert)
	if err != nil {
		return err
	}
	if first {
		level := slog.LevelWarn
		if alert.Severity == notification.SeverityCritical {
			level = slog.LevelError
		}
		n.log.Log(ctx, level, "alert: "+alert.Title, attributes(&alert)...)
	}
	return nil
}

// Run stores what is queued until the context ends. Then it takes two more seconds for what is still queued, reports
// what it could not store, and returns nil.
func (n *Notifier) Run(ctx context.Context) error {
	// What is being stored when the context ends is finished too, within the same two seconds.
	storing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(stopTimeout, cancel)
		context.AfterFunc(storing, func() { timer.Stop() })
	})()
	reported := time.Now()
	for {
		select {
		case <-ctx.Done():
			n.drain(storing)
			return nil
		case alert := <-n.queue:
			n.store(storing, alert)
		}
		if len(n.queue) == 0 || time.Since(reported) >= reportEvery {
			n.reportDropped()
			reported = time.Now()
		}
	}
}

// drain stores what is queued when Run is told to stop. Once the context has ended, each is only logged.
func (n *Notifier) drain(ctx context.Context) {
	for {
		select {
		case alert := <-n.queue:
			n.store(ctx, alert)
		default:
			n.reportDropped()
			return
		}
	}
}

// store stores a queued alert. One that can't be stored is logged in full, so that it is told at least there.
func (n *Notifier) store(ctx context.Context, alert notification.Alert) {
	err := n.Publish(ctx, alert)
	if err == nil {
		return
	}
	n.log.Error("alert not stored", append(attributes(&alert), "title", alert.Title, "error", err)...)
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.remember(alert.Fingerprint(), time.Now(), min(retryAfter, n.window))
}

// reportDropped logs how many alerts found the queue full since the last report.
func (n *Notifier) reportDropped() {
	n.mutex.Lock()
	dropped := n.dropped
	n.dropped = 0
	n.mutex.Unlock()
	if dropped > 0 {
		n.log.Error("alerts were dropped, because too many waited to be stored", "dropped", dropped)
	}
}

func attributes(alert *notification.Alert) []any {
	return []any{
		"severity", alert.Severity, "detail", alert.Detail,
		"source", alert.Source, "type", alert.Type, "instance", alert.Instance,
	}
}
