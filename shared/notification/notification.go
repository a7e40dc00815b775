// Package notification has the types that gateway and worker agree on: what a source sent, what it is,
// and what became of it. It knows neither HTTP nor NATS and imports the standard library alone.
package notification

import "time"

// Notification is one request as a source sent it, authenticated but not judged.
type Notification struct {
	// Source is the configured name of the sender, such as "green-api".
	Source string
	// Provider is the kind of the source, which decides how its bodies are read. Two sources may share one.
	Provider string
	// Type and Instance are what the gateway found without parsing; empty when it found nothing.
	Type, Instance string
	// ReceivedAt is when the gateway had read the whole request.
	ReceivedAt time.Time
	// ContentType and ContentEncoding are the request's headers. ContentEncoding is empty once the gateway
	// has undone it, so it is set only when it could not.
	ContentType, ContentEncoding string
	// RemoteAddress is the client's address without its port, seen through trusted proxies.
	RemoteAddress string
	// RequestID is unique per request; the gateway makes it and the answer carries it.
	RequestID string
	// TraceParent is the W3C trace context of the request, empty when the sender gave none that is valid.
	TraceParent string
	// Header has the fields of the request that the provider needs to understand the body, by canonical name. They
	// are bounded in number and length; nil when there are none.
	Header map[string]string
	// Reading says where the body has its type, identity and order, for sources that configure it; the package source
	// writes and reads it. Empty for all others.
	Reading string
	// Observe accepts a body that its schema refuses as an event, and tells the operator.
	Observe bool
	// RetryOf is the sequence of the notification that was invalid and is sent through again; 0 for any other.
	RetryOf uint64
	// Sequence is the place in the stream of notifications, the receipt; 0 before it is stored.
	Sequence uint64
	// Shard is the queue that it waits in for the intake, StoredAt when the store took it, by the store's clock. Only
	// listings have them.
	Shard    int
	StoredAt time.Time
	// Body is what the sender sent, to the byte.
	Body []byte
}

// Identity says what a notification is and which others are the same.
type Identity struct {
	// Type is the kind of notification; GREEN-API calls it typeWebhook.
	Type string
	// Instance is the sender's account, empty when the notification names none.
	Instance string
	// OrderKey names what must stay in order within the instance, a chat for example; empty when nothing must.
	OrderKey string
	// Key is equal for notifications that are the same and differs otherwise. See Key.
	Key string
	// SentAt is the sender's own time, zero when the notification has none.
	SentAt time.Time
	// Window is how long the same key means the same notification. Zero means as long as the store remembers.
	// It is set where nothing in a notification tells a repetition from another one like it.
	Window time.Duration
	// Object names what the notification is about, an order for example, where a sender's notifications about one
	// thing come out of order and each has the whole state. Empty where they do not. It needs SentAt.
	Object string
}

// Event is an accepted notification: valid, unique and in its lane.
type Event struct {
	Identity

	// Source, Provider, ReceivedAt, ContentType, RemoteAddress, RequestID, TraceParent, Header, Reading, Observe and Body
	// are the notification's.
	Source, Provider         string
	ReceivedAt               time.Time
	ContentType              string
	RemoteAddress, RequestID string
	TraceParent              string
	Header                   map[string]string
	Reading                  string
	Observe                  bool
	Body                     []byte

	// Lane is the serial queue that the event travels in.
	Lane int
	// Sequence is the place in the stream of events; 0 before it is stored.
	Sequence uint64
	// StoredAt is when the store took the event, by the store's clock. Only listings of events have it.
	StoredAt time.Time
	// NotificationSequence is the place of the raw notification in its stream.
	NotificationSequence uint64
	// Outdated says that a newer event about the same Object, by the sender's time, was accepted before this one.
	Outdated bool

	// Attempt counts deliveries to a handler, from 1; 0 outside of a delivery.
	Attempt int
	// History has the failed attempts before this one, the oldest first, those of earlier rounds too.
	History []Try
	// FirstFailedAt is when the first attempt of this round failed, zero before that.
	FirstFailedAt time.Time
	// Round names the retry or replay by which the event was handed over again, such as "dead/17"; empty at first.
	Round string
	// Replayed says that the event may have been handled before and is handed over again because somebody wants it.
	Replayed bool
}

// Try is an attempt of a handler that failed.
type Try struct {
	At      time.Time `json:"at"`
	Attempt int       `json:"attempt"`
	Error   string    `json:"error"`
}

// Fault is one thing wrong with a body.
type Fault struct {
	// Pointer is the JSON pointer (RFC 6901) of the place; empty means the whole document.
	Pointer string `json:"pointer"`
	// Message says what is wrong, in a sentence without a period.
	Message string `json:"message"`
}

// DeadLetter is what could not be processed, with everything needed to understand it and to send it again.
type DeadLetter struct {
	Event

	// Reason is a stable word, one of the Reason constants.
	Reason string
	// Error says in a sentence what went wrong.
	Error string
	// Faults are all that is wrong with an invalid body.
	Faults []Fault
	// ContentEncoding is the notification's, which could not be undone.
	ContentEncoding string
	// Group is the group whose handler gave up, empty when the notification never became an event.
	Group string
	// DiedAt is when it became a dead letter.
	DiedAt time.Time
	// DeadSequence is the place in the stream of dead letters. Event.Sequence stays that of the event.
	DeadSequence uint64
}

// The reasons of dead letters.
const (
	// ReasonInvalid is a body that its schema refuses or that can't be read.
	ReasonInvalid = "invalid"
	// ReasonRefused is an event whose handler said that trying again is of no use.
	ReasonRefused = "refused"
	// ReasonExhausted is an event whose handler failed at its last try.
	ReasonExhausted = "exhausted"
)

// Rejection is a request that the gateway refused.
type Rejection struct {
	// Cause is a stable word that says why, such as "wrong-token".
	Cause string
	// Detail says more, and never a secret.
	Detail string
	// Source is the configured source whose path was called, empty when there is none.
	Source string
	// Method and Path are the request's, the path without its query.
	Method, Path string
	// Header has the request's header fields, secrets redacted.
	Header map[string][]string
	// Sealed has what shows later whether a secret was the right one, and not the secret, by the name of its field, empty
	// for one in the path. The package source makes and reads it.
	Sealed map[string]string
	// RemoteAddress, RequestID, ContentType and ReceivedAt are as in Notification.
	RemoteAddress, RequestID string
	ContentType              string
	ReceivedAt               time.Time
	// Body is the beginning of the request's body; Truncated says that there was more.
	Body      []byte
	Truncated bool
	// Skipped is how many more were refused for the same cause and not kept, on a rejection that stands for these and for
	// no request; 0 on any other.
	Skipped uint64
	// Sequence is the place in the stream of rejections; 0 before it is stored.
	Sequence uint64
}

// Alert is something that the operator is told. Alerts with the same fingerprint are told once per window.
type Alert struct {
	// Severity is SeverityWarning or SeverityCritical.
	Severity string
	// Title says in a few words what happened. Alerts about the same thing have the same title.
	Title string
	// Detail is the sentence below the title.
	Detail string
	// Source, Type and Instance say whom it is about; each may be empty.
	Source, Type, Instance string
	// At is when it happened.
	At time.Time
}

// The severities of alerts.
const (
	SeverityWarning  = "warning"
	SeverityCritical = "critical"
)

// Fingerprint is equal for alerts about the same thing. The detail does not count.
func (a Alert) Fingerprint() string {
	return Key(a.Severity, a.Title, a.Source, a.Type, a.Instance)
}
