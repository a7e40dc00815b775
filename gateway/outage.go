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
	// logged says that this code has a line, loggedAny that any has since the outage began. Without one its end has none.
	logged, loggedAny bool
	// lastLogged is when each code had its last line.
	lastLogged map[string]time.Time
}

// failed notes that a notification could not be stored. An outage begins with the first one and ends with worked; another
// kind of failure within it has a line of its own.
func (o *outage) failed(err error) {
	why := refusalFor(err)
	if why.status != http.StatusServiceUnavailable {
		return // It is the notification that does not fit.
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.code == "" {
		o.since, o.refused, o.loggedAny = now, 0, false
		o.down.Store(true)
	}
	if o.code != why.code {
		o.code, o.logged = why.code, false
	}
	o.refused++
	if !o.logged && now.Sub(o.lastLogged[why.code]) >= outagePause {
		o.report(why, err, now)
	}
}

// report logs the first failure of a kind. The mutex is held.
func (o *outage) report(why refusal, err error, now time.Time) {
	if o.lastLogged == nil {
		o.lastLogged = map[string]time.Time{}
	}
	o.logged, o.loggedAny, o.lastLogged[why.code] = true, true, now
	log := o.log.Warn
	if errors.Is(why.is, errStore) { // Nobody foresaw it.
		log = o.log.Error
	}
	log("store takes no notifications, senders get 503", "code", why.code, "error", err)
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
	if o.loggedAny {
		o.log.Info("store is back", "refused", o.refused, "after", time.Since(o.since))
	}
	o.code, o.logged = "", false
	o.down.Store(false)
}
