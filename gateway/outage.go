package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// outagePause is how long the same trouble is not told again when the store comes and goes.
const outagePause = time.Minute

// outage tells when the store stops taking notifications and when it takes them again: a line for each, however
// many requests it costs.
type outage struct {
	log *slog.Logger
	// down spares requests the lock while all is well.
	down atomic.Bool
	mu   sync.Mutex
	// code is what is wrong, "" when nothing is.
	code    string
	since   time.Time
	refused int
	// told says that the operator knows of this code, toldAny of any since it began.
	told, toldAny bool
	lastTold      map[string]time.Time
}

// failed notes that a notification could not be stored.
func (o *outage) failed(err error) {
	rule := rulingOn(err)
	if rule.status != http.StatusServiceUnavailable {
		return // It is the notification that does not fit.
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.code == "" {
		o.since, o.refused, o.toldAny = now, 0, false
		o.down.Store(true)
	}
	if o.code != rule.code {
		o.code, o.told = rule.code, false
	}
	o.refused++
	if !o.told && now.Sub(o.lastTold[rule.code]) >= outagePause {
		o.tell(rule, err, now)
	}
}

func (o *outage) tell(rule ruling, err error, now time.Time) {
	if o.lastTold == nil {
		o.lastTold = map[string]time.Time{}
	}
	o.told, o.toldAny, o.lastTold[rule.code] = true, true, now
	tell := o.log.Warn
	if errors.Is(rule.is, errStore) { // Nobody foresaw it.
		tell = o.log.Error
	}
	tell("store takes no notifications, senders get 503", "code", rule.code, "error", err)
}

// worked notes that a notification was stored.
func (o *outage) worked() {
	if !o.down.Load() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.code == "" {
		return
	}
	if o.toldAny {
		o.log.Info("store is back", "refused", o.refused, "after", time.Since(o.since))
	}
	o.code, o.told = "", false
	o.down.Store(false)
}
