package simulate

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"sluice.internal/sluice/ledger"
)

// Progress is how far a run has come.
type Progress struct {
	// Notifications were sent at least once, and of these Accepted were answered 200, GivenUp expired, and Pending are
	// neither.
	Notifications int `json:"notifications"`
	Accepted      int `json:"accepted"`
	GivenUp       int `json:"given_up"`
	Pending       int `json:"pending"`
	// Attempts are all, of which Resent repeated an earlier one. Answered200 is how many were answered 200, Others
	// how many ended in any other way.
	Attempts    int `json:"attempts"`
	Resent      int `json:"resent"`
	Answered200 int `json:"answered_200"`
	Others      int `json:"others"`
}

// Outcome is a way other than 200 in which attempts ended, and how many did.
type Outcome struct {
	// Status is 0 for no answer.
	Status int `json:"status"`
	// Code is the word in the answer; Error is why there was no answer.
	Code  string `json:"code,omitempty"`
	Error string `json:"error,omitempty"`
	Count int    `json:"count"`
}

// String is the outcome without its count.
func (o Outcome) String() string {
	switch {
	case o.Status == 0:
		return "no answer: " + o.Error
	case o.Code == "":
		return strconv.Itoa(o.Status)
	default:
		return strconv.Itoa(o.Status) + " " + o.Code
	}
}

// maxOutcomes bounds how many are told apart: what a receiver says can be anything.
const maxOutcomes = 50

// tally counts what happens in all instances. It is safe for concurrent use.
type tally struct {
	mutex    sync.Mutex
	counts   Progress
	outcomes map[Outcome]int // with Count 0
	times    durations
	drought  drought
	unsent   int
}

func newTally() *tally { return &tally{outcomes: map[Outcome]int{}} }

// locked runs count while nobody else does.
func (t *tally) locked(count func()) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	count()
}

func (t *tally) begin()                     { t.locked(func() { t.counts.Notifications++ }) }
func (t *tally) accept()                    { t.locked(func() { t.counts.Accepted++ }) }
func (t *tally) giveUp()                    { t.locked(func() { t.counts.GivenUp++ }) }
func (t *tally) enter()                     { t.locked(func() { t.drought.enter(time.Now()) }) }
func (t *tally) leave()                     { t.locked(func() { t.drought.leave(time.Now()) }) }
func (t *tally) leaveQueued(n int)          { t.locked(func() { t.unsent += n }) }
func (t *tally) attempt(entry ledger.Entry) { t.locked(func() { t.count(entry) }) }

// count adds an attempt. The caller holds the lock.
func (t *tally) count(entry ledger.Entry) {
	t.counts.Attempts++
	if entry.Attempt > 1 {
		t.counts.Resent++
	}
	if entry.Status != 0 {
		t.times.add(time.Duration(entry.Duration * float64(time.Millisecond)))
	}
	if entry.Status == http.StatusOK {
		t.counts.Answered200++
		t.drought.rain(time.Now())
		return
	}
	t.counts.Others++
	outcome := Outcome{Status: entry.Status, Code: entry.Code}
	if outcome.Status == 0 {
		outcome.Error = entry.Error
	}
	if _, known := t.outcomes[outcome]; !known && len(t.outcomes) == maxOutcomes {
		outcome = Outcome{Status: outcome.Status, Code: "other"}
	}
	t.outcomes[outcome]++
}

// progress returns the counts of this moment, which belong together.
func (t *tally) progress() Progress {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	counts := t.counts
	counts.Pending = counts.Notifications - counts.Accepted - counts.GivenUp
	return counts
}

// drought measures the longest time without a 200 while somebody was trying to get one.
type drought struct {
	trying  int
	since   time.Time
	longest time.Duration
}

// enter says that one more instance is trying; the first one begins the drought.
func (d *drought) enter(at time.Time) {
	if d.trying == 0 {
		d.since = at
	}
	d.trying++
}

// rain says that somebody got a 200, which ends the gap and begins the next.
func (d *drought) rain(at time.Time) {
	d.longest = max(d.longest, at.Sub(d.since))
	d.since = at
}

// leave says that one less is trying. When nobody is, no gap goes on.
func (d *drought) leave(at time.Time) {
	d.longest = max(d.longest, at.Sub(d.since))
	d.trying--
}
