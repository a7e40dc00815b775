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
}

func newJudge(settings Settings, streams *stream.Streams) *judge {
	return &judge{schemas: settings.Schemas, providers: settings.Providers, streams: streams}
}

// one judges a notification. No body makes it panic; it is safe for concurrent use.
func (j *judge) one(n *notification.Notification) verdict {
	provider, ok := j.providers[n.Provider]
	if !ok {
		return j.refuse(n, notification.Identity{Type: n.Type, Instance: n.Instance}, notification.Fault{
			Message: fmt.Sprintf("comes from provider %q, which this worker does not know", n.Provider),
		})
	}
	if n.ContentEncoding != "" {
		return j.refuse(n, notification.Identity{Type: n.Type, Instance: n.Instance}, notification.Fault{
			Message: fmt.Sprintf("has the content encoding %q, which could not be undone", n.ContentEncoding),
		})
	}
	body, fault := notification.Parse(n.Body)
	if fault != nil {
		return j.refuse(n, notification.Identity{Type: n.Type, Instance: n.Instance}, *fault)
	}
	identity := provider.Identify(n.Source, body)
	if identity.Type == "" {
		return j.refuse(n, identity, typeMissing(provider, body))
	}
	known, faults := j.schemas.Validate(provider.Name, identity.Type, body.Root())
	if len(faults) > 0 {
		return j.refuse(n, identity, converted(faults)...)
	}
	return verdict{event: j.streams.Accept(n, identity), unknown: !known}
}

func typeMissing(provider source.Provider, body *notification.Document) notification.Fault {
	fault := notification.Fault{Pointer: provider.TypeAt, Message: "is missing"}
	if body.Has(strings.Split(strings.TrimPrefix(provider.TypeAt, "/"), "/")...) {
		fault.Message = "must be a string that is not empty"
	}
	return fault
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
