package worker

import (
	"fmt"
	"strings"
	"time"

	"sluice.internal/schemas"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
)

// maxFaults is how many faults of a body are kept. A schema that checks each item of a long array would name
// thousands.
const maxFaults = 100

// verdict is what became of a notification: an event, or a dead letter when letter is set.
type verdict struct {
	event   notification.Event
	letter  *notification.DeadLetter
	unknown bool // there is no schema for the type
	// ignored is what is wrong with the body of an event, when its source is observed.
	ignored []notification.Fault
	stored  stream.Stored
}

func (v *verdict) alert(severity, title, detail string) notification.Alert {
	return notification.Alert{
		Severity: severity, Title: title, Detail: detail, At: time.Now(),
		Source: v.event.Source, Type: short(v.event.Type), Instance: short(v.event.Instance),
	}
}

// short bounds what a sender chose freely, for people to read.
func short(text string) string {
	if text == "" {
		return ""
	}
	return stream.Token(text)
}

// judge decides what a notification is. Its repeats belong to one shard.
type judge struct {
	schemas   *schemas.Set
	providers map[string]source.Provider
	streams   *stream.Streams
	repeats   repeats
	objects   objects
}

func newJudge(settings Settings, streams *stream.Streams) *judge {
	return &judge{schemas: settings.Schemas, providers: settings.Providers, streams: streams, objects: objects{streams: streams}}
}

// one judges a notification. No body makes it panic; it is safe for concurrent use.
func (j *judge) one(n *notification.Notification) verdict {
	what, fault := source.Understand(j.providers, n)
	if fault != nil {
		return j.refuse(n, what.Identity, *fault)
	}
	unknown, faults := j.validate(&what)
	if len(faults) > 0 && !n.Observe {
		return j.refuse(n, what.Identity, faults...)
	}
	return verdict{event: j.streams.Accept(n, what.Identity), unknown: unknown, ignored: faults}
}

// validate holds a body against its schema. A body that is no document has none, and neither has a source that says
// itself how it is read, unless somebody wrote one: then its types are not unknown.
func (j *judge) validate(what *source.Understood) (unknown bool, faults []notification.Fault) {
	if what.Ignored != nil {
		return false, []notification.Fault{*what.Ignored}
	}
	if what.Body.IsOpaque() || what.Provider.Configurable && !j.schemas.Has(what.Schemas) {
		return false, nil
	}
	known, found := j.schemas.Validate(what.Schemas, what.Identity.Type, what.Body.Root())
	if len(found) > 0 {
		faults = converted(found)
	}
	return !known, faults
}

func converted(faults []schemas.Fault) []notification.Fault {
	kept := make([]notification.Fault, 0, min(len(faults), maxFaults+1))
	for _, fault := range faults[:min(len(faults), maxFaults)] {
		kept = append(kept, notification.Fault(fault))
	}
	if more := len(faults) - maxFaults; more > 0 {
		kept = append(kept, notification.Fault{Message: fmt.Sprintf("and %d more faults", more)})
	}
	return kept
}

func (j *judge) refuse(n *notification.Notification, identity notification.Identity, faults ...notification.Fault) verdict {
	event := j.streams.Accept(n, identity)
	return verdict{event: event, letter: &notification.DeadLetter{
		Event: event, Reason: notification.ReasonInvalid, Error: summary(faults), Faults: faults, DiedAt: time.Now(),
		ContentEncoding: n.ContentEncoding,
	}}
}

// summary tells all faults in one sentence.
func summary(faults []notification.Fault) string {
	sentences := make([]string, 0, len(faults))
	for _, fault := range faults {
		place := fault.Pointer
		if place == "" {
			place = "the body"
		}
		sentences = append(sentences, place+" "+fault.Message)
	}
	return strings.Join(sentences, "; ")
}
