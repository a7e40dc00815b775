package simulate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"sluice.internal/sluice/ledger"
)

// Kinds of chance, each with a sequence of its own, so that one setting does not change what another decides.
const (
	chanceWorld uint64 = iota
	chanceFaults
	chanceArrivals
	chanceLine
)

// chance is a sequence of an instance that the seed decides.
func chance(seed uint64, index int, kind uint64) *rand.Rand {
	//nolint:gosec // It is to be the same again with the same seed; the index is no more than maxInstances.
	return rand.New(rand.NewPCG(seed, uint64(index)<<8|kind))
}

// instance is one account at GREEN-API, driven by one goroutine: a queue, of which the first notification alone is under way.
type instance struct {
	simulator *Simulator
	name      string // the id of the instance in digits
	world     *world
	faults    *faults
	arrivals  *arrivals
	line      *rand.Rand // decides what goes wrong on the way
	// number counts the instance's notifications in this run, before those that the ledger had already.
	number, before int
	// trying is true while the notification that is under way, or the ones that were given up before it, were not
	// accepted.
	trying bool
}

// newInstance makes an account with its world. Its numbers go on where the ledger ends.
func newInstance(s *Simulator, index int) *instance {
	w := newWorld(chance(s.settings.Seed, index, chanceWorld), index)
	name := strconv.FormatInt(w.account.ID, 10)
	i := &instance{
		simulator: s, name: name, world: w,
		faults: &faults{random: chance(s.settings.Seed, index, chanceFaults), settings: s.settings, world: w},
		arrivals: &arrivals{
			random:  chance(s.settings.Seed, index, chanceArrivals),
			spacing: s.settings.scaled(time.Second / maxPerSecond),
		},
		line:   chance(s.settings.Seed, index, chanceLine),
		before: s.settings.Ledger.Last(name),
	}
	if s.settings.Rate > 0 {
		i.arrivals.mean = time.Duration(float64(time.Second) * float64(s.settings.Instances) / s.settings.Rate)
	}
	return i
}

// run sends one notification after the other. Whatever is under way ends with ctx; nothing is begun and nothing is
// sent again when sending has ended. The error is that of the ledger.
func (i *instance) run(ctx, sending context.Context) error {
	defer i.rest()
	for i.left() > 0 {
		created, more := i.arrivals.next(sending)
		if !more {
			return nil
		}
		i.number++
		goOn, err := i.deliver(ctx, sending, i.faults.next(created), created)
		if err != nil || !goOn {
			return err
		}
	}
	return nil
}

// left is how many more notifications there may be.
func (i *instance) left() int {
	if i.simulator.settings.Count == 0 {
		return math.MaxInt
	}
	return i.simulator.settings.Count - i.number
}

// deliver sends a notification until it is accepted or given up; only then goOn is true.
func (i *instance) deliver(ctx, sending context.Context, n notification, created time.Time) (goOn bool, err error) {
	i.simulator.tally.begin()
	expires := created.Add(i.simulator.settings.scaled(i.simulator.settings.Expiry))
	entry := i.entry(n)
	if time.Now().After(expires) {
		return true, i.giveUpUnsent(entry)
	}
	i.try()
	lost := n.twice // whether the next 200 is taken for lost
	for {
		entry.Attempt++
		i.attempt(ctx, &entry, n.body)
		again := time.Now().Add(i.simulator.settings.scaled(i.simulator.settings.Pause))
		entry.Expired = entry.Status != http.StatusOK && ctx.Err() == nil && !again.Before(expires)
		if err := i.record(entry); err != nil {
			return false, err
		}
		switch {
		case entry.Status == http.StatusOK && lost:
			// At once: with the pause of a real loss, one in a hundred would cost most of the load.
			lost, entry.Fault = false, ledger.FaultDuplicate
		case entry.Status == http.StatusOK:
			i.simulator.tally.accept()
			i.rest()
			return true, nil
		case entry.Expired:
			i.simulator.tally.giveUp()
			return waitUntil(sending, again), nil
		case i.last() || !waitUntil(sending, again):
			return false, nil
		}
	}
}

// last reports whether a failed notification is not to be sent again, because the run ends with it.
func (i *instance) last() bool {
	return i.simulator.settings.NoDrain && i.number == i.simulator.settings.Count
}

// giveUpUnsent is for what waited in the queue until it was too old.
func (i *instance) giveUpUnsent(entry ledger.Entry) error {
	i.simulator.tally.giveUp()
	entry.At = time.Now().UTC()
	entry.Expired = true
	entry.Error = "it expired before it was its turn"
	return i.simulator.settings.Ledger.Append(entry)
}

func (i *instance) entry(n notification) ledger.Entry {
	digest := sha256.Sum256(n.body)
	return ledger.Entry{
		Source: i.simulator.settings.Source, Instance: i.name, Number: i.before + i.number,
		Type: n.typ, Chat: n.chat, IDMessage: n.id, Fault: n.fault,
		Bytes: len(n.body), BodySHA256: hex.EncodeToString(digest[:]),
	}
}

// attempt posts the body and writes into the entry what came of it.
func (i *instance) attempt(ctx context.Context, entry *ledger.Entry, body []byte) {
	entry.At = time.Now().UTC()
	answer, err := i.simulator.post.do(ctx, body, i.lineFault())
	entry.Duration = float64(time.Since(entry.At).Microseconds()) / 1000
	entry.Status, entry.Code, entry.Receipt, entry.Error = answer.status, answer.code, answer.receipt, answer.message
	if err != nil {
		entry.Error = err.Error()
	}
}

// lineFault is what goes wrong with the next attempt on its way, mostly nothing.
func (i *instance) lineFault() string {
	drawn := i.line.Float64()
	for _, fault := range i.simulator.settings.Line {
		if drawn -= fault.Chance; drawn < 0 {
			return fault.Name
		}
	}
	return ""
}

// record counts an attempt and writes it into the ledger. Its error ends the run.
func (i *instance) record(entry ledger.Entry) error {
	i.simulator.tally.attempt(entry)
	return i.simulator.settings.Ledger.Append(entry)
}

// try tells the tally that the instance wants a 200 now; rest, that it has one or gave up.
func (i *instance) try() {
	if !i.trying {
		i.trying = true
		i.simulator.tally.enter()
	}
}

func (i *instance) rest() {
	if i.trying {
		i.trying = false
		i.simulator.tally.leave()
	}
}
