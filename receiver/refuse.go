package receiver

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"sluice.internal/shared/service"
)

const (
	// refusalDelay is how long a refusal is held back: official clients ask again without a pause, hundreds of times a second.
	refusalDelay = time.Second
	// maxFailures is how many refusals are held back for an address at a time, maxWaiting how many requests of a bot wait.
	maxFailures = 20
	maxWaiting  = 8
	// maxAllFailures is how many are held back for all addresses together.
	maxAllFailures = 2000
)

// failures counts the refusals that are held back, by address.
type failures struct {
	mutex sync.Mutex
	held  map[netip.Addr]int
	all   int
}

func (f *failures) begin(address netip.Addr) bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.held == nil {
		f.held = map[netip.Addr]int{}
	}
	if f.held[address] >= maxFailures || f.all >= maxAllFailures {
		return false
	}
	f.held[address]++
	f.all++
	return true
}

func (f *failures) end(address netip.Addr) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.all--
	if f.held[address]--; f.held[address] == 0 {
		delete(f.held, address)
	}
}

// refuse answers who may not ask, after a while. An address with many such requests gets its answers at once, and has to
// connect anew for each.
func (r *Receiver) refuse(w http.ResponseWriter, request *http.Request, status int) {
	address := r.settings.Clients.Address(request)
	if !r.failures.begin(address) {
		w.Header().Set("Connection", "close")
		empty(w, http.StatusTooManyRequests)
		return
	}
	defer r.failures.end(address)
	r.hold(request.Context())
	empty(w, status)
}

// hold waits as long as a refusal is held back, unless the process ends or who asked is gone.
func (r *Receiver) hold(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-r.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	_ = service.Sleep(ctx, refusalDelay)
}

// unavailable answers that nothing can be said at the moment. It is held back as refusals are.
func (r *Receiver) unavailable(w http.ResponseWriter, c call, err error) {
	if err != nil && c.request.Context().Err() == nil {
		r.log.Debug("request not served", "bot", c.bot.Name, "instance", c.instance, "method", c.method, "error", err)
	}
	r.hold(c.request.Context())
	w.Header().Set("Retry-After", "2")
	empty(w, http.StatusServiceUnavailable)
}

// waiting counts the requests of a bot that wait for something.
type waiting struct {
	mutex sync.Mutex
	count int
}

func (w *waiting) begin() bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.count >= maxWaiting {
		return false
	}
	w.count++
	return true
}

func (w *waiting) end() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.count--
}
