package mock

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The faults that have a name of their own. Beside them a fault may be a status, such as "503".
const (
	// FaultWebhookSet and FaultStarting are the documented refusals with status 400.
	FaultWebhookSet = "webhook-set"
	FaultStarting   = "starting"
	// FaultHTML is a page of a server in front of the API, with status 502; FaultHTML200 is one with status 200.
	FaultHTML    = "html"
	FaultHTML200 = "html-200"
	// FaultCut ends the connection without an answer, FaultTruncated in the middle of one.
	FaultCut       = "cut"
	FaultTruncated = "truncated"
	// FaultHang never answers; FaultSlow waits a second before it does what it should.
	FaultHang = "hang"
	FaultSlow = "slow"
	// FaultEmpty is status 200 without a body although there is something, FaultObject is {}.
	FaultEmpty  = "empty"
	FaultObject = "object"
	// FaultNoJSON hands the notification out in an answer that is not JSON, FaultNoReceipt one without a receipt.
	FaultNoJSON    = "no-json"
	FaultNoReceipt = "no-receipt"
	// FaultLoseDelete deletes and gives no answer, FaultLieDelete says that it deleted and did not.
	FaultLoseDelete = "lose-delete"
	FaultLieDelete  = "lie-delete"
	// FaultLoseAnswer sends a message and gives no answer.
	FaultLoseAnswer = "lose-answer"
	// FaultExpired is the refusal of an instance that nobody has paid for, with status 400.
	FaultExpired = "expired"
)

// faults are those with a name, and what is answered at once, if anything.
func faults() map[string]func(http.ResponseWriter, *http.Request) {
	return map[string]func(http.ResponseWriter, *http.Request){
		FaultWebhookSet: func(w http.ResponseWriter, _ *http.Request) {
			text(w, http.StatusBadRequest, "Message cannot be received because custom webhook url is set")
		},
		FaultStarting: func(w http.ResponseWriter, _ *http.Request) {
			text(w, http.StatusBadRequest, "Instance in starting process try later")
		},
		FaultExpired: func(w http.ResponseWriter, _ *http.Request) {
			text(w, http.StatusBadRequest, "Instance account is expired. Renew your instance from personal area")
		},
		FaultHTML:    func(w http.ResponseWriter, _ *http.Request) { page(w, http.StatusBadGateway) },
		FaultHTML200: func(w http.ResponseWriter, _ *http.Request) { page(w, http.StatusOK) },
		FaultCut:     func(http.ResponseWriter, *http.Request) { cut() },
		FaultHang: func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxBody)) // Until then nobody notices that the client has gone.
			<-r.Context().Done()
			cut()
		},
		FaultEmpty:  func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "0") },
		FaultObject: func(w http.ResponseWriter, _ *http.Request) { document(w, struct{}{}) },
		FaultSlow:   nil, FaultTruncated: nil, FaultNoJSON: nil, FaultNoReceipt: nil, FaultLoseDelete: nil, FaultLieDelete: nil, FaultLoseAnswer: nil,
	}
}

// Fault is something that goes wrong with a method.
type Fault struct {
	// Method is the API's, such as "receiveNotification"; empty means every one.
	Method string `json:"method"`
	// Name is one of the faults above, or a status.
	Name string `json:"name"`
	// Times is how often it happens; 0 means until the faults are changed.
	Times int `json:"times"`
	// Chance is how likely a call has it, up to 1; 0 means that each has.
	Chance float64 `json:"chance"`
	// RetryAfter is told with a status, in seconds.
	RetryAfter int `json:"retry_after"`
}

// FaultNames returns the names that a fault may have beside a status.
func FaultNames() []string { return slices.Sorted(maps.Keys(faults())) }

// Check reports a name that no fault has.
func (f Fault) Check() error {
	if _, named := faults()[f.Name]; named {
		return nil
	}
	if status, err := strconv.Atoi(f.Name); err == nil && status >= 300 && status <= 599 {
		return nil
	}
	return fmt.Errorf("there is no fault %q; choose a status or one of %s", f.Name, strings.Join(FaultNames(), ", "))
}

// Faults replaces what goes wrong with the instance's calls; of several that fit the first counts. It panics on a name that
// no fault has.
func (i *Instance) Faults(faults ...Fault) {
	for _, fault := range faults {
		if err := fault.Check(); err != nil {
			panic(err)
		}
	}
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.faults = slices.Clone(faults)
}

// fault returns what goes wrong with the next call of a method, the zero Fault for nothing.
func (i *Instance) fault(method string) Fault {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	for n, fault := range i.faults {
		if fault.Method != "" && fault.Method != method || fault.Chance > 0 && i.api.chance() >= fault.Chance {
			continue
		}
		if fault.Times > 0 {
			if i.faults[n].Times--; i.faults[n].Times == 0 {
				i.faults = slices.Delete(i.faults, n, n+1)
			}
		}
		return fault
	}
	return Fault{}
}

// before does what happens before a call is looked at. It is true when that was the whole answer.
func (f Fault) before(w http.ResponseWriter, r *http.Request) (answered bool) {
	if answer := faults()[f.Name]; answer != nil {
		answer(w, r)
		return true
	}
	if f.Name == FaultSlow {
		timer := time.NewTimer(time.Second)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return true
		}
	}
	status, err := strconv.Atoi(f.Name)
	if err != nil {
		return false
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	if status == http.StatusUnauthorized {
		w.WriteHeader(status)
		return true
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"statusCode":%d,"message":%q}`, status, http.StatusText(status))
	return true
}

// handOut writes a notification, or what is left of it.
func (f Fault) handOut(w http.ResponseWriter, head entry) {
	answer := fmt.Appendf(nil, `{"receiptId":%d,"body":%s}`, head.receipt, head.body)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	switch f.Name {
	case FaultNoJSON:
		answer = fmt.Appendf(nil, `{"receiptId":%d,"body":{"typeWebhook":"incomingMessageReceived","text":"%c"%s}}`, head.receipt, 1, head.body)
	case FaultNoReceipt:
		answer = fmt.Appendf(nil, `{"body":%s`, head.body)
	case FaultTruncated:
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		_, _ = w.Write(answer[:len(answer)/2])
		_ = http.NewResponseController(w).Flush()
		cut()
	}
	_, _ = w.Write(answer)
}

// cut ends the connection as it is.
func cut() { panic(http.ErrAbortHandler) }

// seeded returns numbers up to 1 that are the same in each run.
func seeded() func() float64 {
	var mutex sync.Mutex
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // Guards nothing.
	return func() float64 {
		mutex.Lock()
		defer mutex.Unlock()
		return random.Float64()
	}
}
