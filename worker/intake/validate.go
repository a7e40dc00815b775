package intake

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice.internal/schemas"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/worker/memory"
)

// parallelFrom is the size of a batch from which on validating it on all processors is faster.
const parallelFrom = 32

// outcome is what became of a notification: an event, or a dead letter when deadLetter is set.
type outcome struct {
	event      notification.Event
	deadLetter *notification.DeadLetter
	// newType says that there is no schema for the type.
	newType bool
	// stored is what the store said about the event.
	stored consume.Stored
	// unkept is why not even the dead letter could be stored.
	unkept error
}

// refuse makes a dead letter of an event that the store refused.
func (o *outcome) refuse(cause error) {
	o.deadLetter = &notification.DeadLetter{
		Event: o.event, Reason: notification.ReasonUnstorable, Error: cause.Error(), DiedAt: time.Now(),
	}
}

// validator decides what notifications are. It belongs to one shard, because what it remembers does.
type validator struct {
	schemas   *schemas.Set
	providers map[string]source.Provider
	streams   *consume.Client
	newest    newest
	reading   *memory.Budget
}

const (
	// readingShare and maxReading are the part of the memory limit that bodies may take while they are parsed and validated.
	// It is enough for two bodies of the worst kind at a time under a limit of 384 MiB or more, and for hundreds of ordinary
	// ones.
	readingShare = 0.25
	maxReading   = 96 << 20
	// bytesPerValue is what a value of a document takes at the worst, see notification.MaxValues. It is written with two
	// bytes at least, itself and what is between it and the next.
	bytesPerValue = 400
)

// documentSize returns what a body of that many bytes takes at the most once it is parsed, with the body itself.
func documentSize(body int) int64 {
	return int64(body) + min(int64(body)/2+1, notification.MaxValues)*bytesPerValue
}

// maxParts is how many bytes the parts of divided notifications of one batch may have. Together with a batch as it comes, and
// with the largest notification there is, it bounds what a shard has in memory.
const maxParts = 16 << 20

// batch validates the first of the notifications, one at least and mostly all, and returns how many that were. Of one that is
// divided there are several outcomes, in the order in which it has them. Bodies are read on all processors.
func (v *validator) batch(batch []consume.Received) (outcomes []outcome, count int) {
	var todo []divided
	for size := 0; count < len(batch) && size <= maxParts; count++ {
		parts := v.divide(&batch[count].Notification)
		if todo = append(todo, parts...); parts[0].notification != &batch[count].Notification {
			for _, part := range parts {
				size += len(part.notification.Body)
			}
		}
	}
	outcomes = make([]outcome, len(todo))
	workers := 1
	if len(todo) >= parallelFrom {
		workers = runtime.GOMAXPROCS(0)
	}
	var group sync.WaitGroup
	for first := range workers {
		group.Go(func() {
			for i := first; i < len(todo); i += workers {
				// Without an end: those who read need nothing but processor time.
				release := v.reading.Reserve(context.Background(), documentSize(len(todo[i].notification.Body)))
				outcomes[i] = v.validate(todo[i])
				release()
			}
		})
	}
	group.Wait()
	return outcomes, count
}

// divided is a notification or a part of one, or one that should be divided and can't be, with the reason.
type divided struct {
	notification *notification.Notification
	fault        *notification.Fault
}

// divide returns all that a notification has in it; that is itself for nearly all.
func (v *validator) divide(n *notification.Notification) []divided {
	parts, fault := source.Parts(v.providers, n)
	all := make([]divided, len(parts))
	for i, part := range parts {
		all[i] = divided{part, fault}
	}
	return all
}

// validate decides about one notification. No body makes it panic. It is safe for concurrent use.
func (v *validator) validate(one divided) outcome {
	n := one.notification
	if one.fault != nil {
		return v.invalid(n, notification.Identity{Type: n.Type, Instance: n.Instance}, *one.fault)
	}
	read, fault := source.Interpret(v.providers, n)
	if fault != nil {
		return v.invalid(n, read.Identity, *fault)
	}
	known, faults := v.checkSchema(&read)
	if len(faults) > 0 && n.Quarantine {
		return v.invalid(n, read.Identity, faults...)
	}
	event, err := v.streams.NewEvent(n, read.Identity)
	if err != nil { // source.Interpret knows what fits; this holds for providers that somebody else wrote as well.
		return v.invalid(n, read.Identity, notification.Fault{Message: err.Error()})
	}
	event.Faults = faults
	return outcome{event: event, newType: !known}
}

// checkSchema compares a body with the schema of its type. A type that has none is not known. What had to be repaired to
// read the body is a fault as well.
//
// Two kinds of body need none and count as known: one that no schema is about, as XML and plain text are, and one of a source
// that says itself how it is read, unless somebody wrote schemas for it.
func (v *validator) checkSchema(read *source.Interpretation) (known bool, faults []notification.Fault) {
	faults = slices.Concat(read.Body.Faults(), read.Faults)
	if read.Body.IsSchemaless() || read.Provider.Configurable && !v.schemas.Has(read.Schemas) {
		return true, notification.BoundFaults(faults)
	}
	known, found := v.schemas.Validate(read.Schemas, read.Identity.Type, read.Body.Root())
	for _, fault := range found {
		faults = append(faults, notification.Fault(fault))
	}
	return known, notification.BoundFaults(faults)
}

// invalid is the outcome of a notification with faults. Its dead letter carries as much of an identity as was found.
func (v *validator) invalid(n *notification.Notification, identity notification.Identity, faults ...notification.Fault) outcome {
	event, _ := v.streams.NewEvent(n, identity) // Whatever its identity is, a dead letter shows it.
	event.Faults = notification.BoundFaults(faults)
	return outcome{event: event, deadLetter: &notification.DeadLetter{
		Event: event, Reason: notification.ReasonInvalid, Error: summary(faults), DiedAt: time.Now(),
		ContentEncoding: n.ContentEncoding,
	}}
}

// poison is the outcome of a notification that is not read any more, because it killed those who did.
func (v *validator) poison(n *notification.Notification, cause error) outcome {
	identity := notification.Identity{Type: n.Type, Instance: n.Instance} // What the gateway found.
	event, _ := v.streams.NewEvent(n, identity)                           // Whatever its identity is, a dead letter shows it.
	return outcome{event: event, deadLetter: &notification.DeadLetter{
		Event: event, Reason: notification.ReasonPoison, Error: cause.Error(), DiedAt: time.Now(),
		ContentEncoding: n.ContentEncoding,
	}}
}

// maxSummary is how many faults a summary names.
const maxSummary = 10

// summary says the first faults in one sentence.
func summary(faults []notification.Fault) string {
	sentences := make([]string, 0, maxSummary+1)
	for _, fault := range faults[:min(len(faults), maxSummary)] {
		sentences = append(sentences, sentence(fault))
	}
	if more := len(faults) - maxSummary; more > 0 {
		sentences = append(sentences, fmt.Sprintf("and %d more faults", more))
	}
	return strings.Join(sentences, "; ")
}

func sentence(fault notification.Fault) string {
	return cmp.Or(fault.Pointer, "the body") + " " + fault.Message
}
