package stream

import "sluice.internal/shared/stream/internal/wire"

// The streams.
const (
	Notifications = "NOTIFICATIONS" // raw requests as they came
	Events        = "EVENTS"        // accepted, valid, unique
	Retries       = "RETRIES"       // events that wait for their next attempt
	DeadLetters   = "DEAD_LETTERS"  // what could not be processed
	Rejections    = "REJECTIONS"    // refused requests
	Alerts        = "ALERTS"        // what the operator is told
	Probes        = "PROBES"        // written to find out whether anything can be
	Operations    = "OPERATIONS"    // what operators did to the data
	Objects       = "OBJECTS"       // the newest time of each object whose events come out of order
	Suspects      = "SUSPECTS"      // what workers ended with, and who looks at it now
	Positions     = "POSITIONS"     // how far each bot is in the events
	Replies       = "REPLIES"       // which events were answered
	States        = "STATES"        // what pollers say about themselves, and their leases
)

// What callers outside need of the messages' form.
const (
	// HeaderReserve is how much larger than its body a message may be, in bytes.
	HeaderReserve = wire.HeaderReserve

	HeaderSource     = wire.HeaderSource
	HeaderType       = wire.HeaderType
	HeaderInstance   = wire.HeaderInstance
	HeaderReceivedAt = wire.HeaderReceivedAt
	HeaderKey        = wire.HeaderKey
	HeaderReplayed   = wire.HeaderReplayed
)

// Token makes any text fit for one token of a subject, see wire.Token.
func Token(text string) string { return wire.Token(text) }

// Label is Token for people to read: what is empty stays empty.
func Label(text string) string {
	if text == "" {
		return ""
	}
	return wire.Token(text)
}
