package notification

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Origin is what is known of a request apart from what its body says: who sent it, when, and the body itself. It goes
// unchanged from the notification to its event and to a dead letter of either.
type Origin struct {
	// Source is the configured name of the sender, such as "green-api".
	Source string
	// Provider is the kind of the source, which decides how its bodies are read. Two sources may share one.
	Provider string
	// ReceivedAt is when the gateway had read the whole request.
	ReceivedAt time.Time
	// ContentType is the request's header.
	ContentType string
	// RemoteAddress is the client's address without its port, seen through trusted proxies.
	RemoteAddress string
	// RequestID is unique per request; the gateway makes it and the answer carries it.
	RequestID string
	// TraceParent is the W3C trace context of the request, empty when the sender gave none that is valid.
	TraceParent string
	// Header has the fields of the request that the provider needs to understand the body, by canonical name. They
	// are bounded in number and length; nil when there are none.
	Header map[string]string
	// Mapping says where the body has its type, identity and order, for sources that configure it; the package source
	// writes and reads it. Empty for all others.
	Mapping string
	// Quarantine says that a body which differs from its schema becomes a dead letter, instead of an event with faults.
	Quarantine bool
	// Part says which of the notifications of one request this is, from 1, and Parts how many there are, for sources that
	// divide requests; both are 0 for a whole request.
	Part, Parts int
	// Body is what the sender sent, to the byte. Of a part it is that with all other parts left out. It must not be changed:
	// copies of an Origin share it.
	Body []byte
}

// Notification is one request as a source sent it, authenticated but not validated.
type Notification struct {
	Origin

	// Type and Instance are what the gateway found without parsing; empty when it found nothing.
	Type, Instance string
	// ContentEncoding is the request's header. It is empty once the gateway has undone it, so it is set only when it
	// could not.
	ContentEncoding string
	// Former says that it was stored before the formula of keys became that of KeyVersion, so that it keeps the identity that
	// it had: its event may be there already.
	Former bool
	// RetryOf is the sequence of the notification that was invalid and is sent through again; 0 for any other.
	RetryOf uint64
	// Sequence is the place in the stream of notifications, the receipt; 0 before it is stored.
	Sequence uint64
	// Shard is the queue that it waits in for the intake, StoredAt when the store took it, by the store's clock. Only
	// listings have them.
	Shard    int
	StoredAt time.Time
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

// Event is an accepted notification: unique and in its lane. Its body need not be as its schema says: see Faults.
type Event struct {
	Origin
	Identity

	// Lane is the serial queue that the event travels in.
	Lane int
	// Sequence is the place in the stream of events; 0 before it is stored.
	Sequence uint64
	// StoredAt is when the store took the event, by the store's clock. Only listings of events have it.
	StoredAt time.Time
	// NotificationSequence is the place of the raw notification in its stream.
	NotificationSequence uint64
	// Faults are how the body differs from its schema, and what had to be repaired to read it, as BoundFaults leaves them;
	// nil for nearly all. On a dead letter that never was an event they are why.
	Faults []Fault
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
	// AnswerAgain says that a replay shall answer what was answered before.
	AnswerAgain bool
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

const (
	// MaxFaults is how many faults of a body are kept. A schema that checks each item of a long array would name thousands.
	MaxFaults = 100
	// maxFaultText bounds a fault's pointer and its message, in bytes. The name of a field may be as long as a body.
	maxFaultText = 256
)

// BoundFaults returns the first MaxFaults faults, each of bounded length, and behind them how many more there were.
func BoundFaults(faults []Fault) []Fault {
	if len(faults) == 0 {
		return nil
	}
	bounded := make([]Fault, 0, min(len(faults), MaxFaults+1))
	for _, fault := range faults[:min(len(faults), MaxFaults)] {
		bounded = append(bounded, Fault{Pointer: shortened(fault.Pointer, maxFaultText), Message: shortened(fault.Message, maxFaultText)})
	}
	if more := len(faults) - MaxFaults; more > 0 {
		bounded = append(bounded, Fault{Message: fmt.Sprintf("and %d more faults", more)})
	}
	return bounded
}

// DeadLetter is what could not be processed, with everything needed to understand it and to send it again.
type DeadLetter struct {
	Event

	// Reason is a stable word, one of the Reason constants.
	Reason string
	// Error says in a sentence what went wrong.
	Error string
	// BodySize and BodySHA256, in hexadecimal, are those of a body that was left out because the store takes no message
	// that large; 0 and empty otherwise. The original has it, for as long as that is kept: the notification, or the
	// event of a group.
	BodySize   int
	BodySHA256 string
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
	// ReasonInvalid is a body that can't be read, has no type or is ambiguous, or one of a source in quarantine that differs
	// from its schema.
	ReasonInvalid = "invalid"
	// ReasonRefused is an event whose handler said that trying again is of no use.
	ReasonRefused = "refused"
	// ReasonExhausted is an event whose handler failed at its last try.
	ReasonExhausted = "exhausted"
	// ReasonUnstorable is a notification that the store refused to take as an event, or an event that it refused to set
	// aside after its handler had failed.
	ReasonUnstorable = "unstorable"
	// ReasonPoison is a notification or an event whose worker ended again and again while it had it. It was not read any
	// more, so that nothing is known about a notification but what the gateway found.
	ReasonPoison = "poison"
)

// WithoutBody returns the dead letter with the size and digest of its body in place of the body.
func (l *DeadLetter) WithoutBody() DeadLetter {
	sum := sha256.Sum256(l.Body)
	reduced := *l
	reduced.BodySize, reduced.BodySHA256, reduced.Body = len(l.Body), hex.EncodeToString(sum[:]), nil
	return reduced
}

// BodyOmitted reports whether the body was left out.
func (l *DeadLetter) BodyOmitted() bool { return l.BodySHA256 != "" }

// ErrOtherBody says that a body is not the one that a dead letter was made of.
var ErrOtherBody = errors.New("the original has another body than the dead letter was made of")

// RestoreBody puts back the body that WithoutBody left out. It returns ErrOtherBody for any other one.
func (l *DeadLetter) RestoreBody(body []byte) error {
	sum := sha256.Sum256(body)
	if len(body) != l.BodySize || hex.EncodeToString(sum[:]) != l.BodySHA256 {
		return ErrOtherBody
	}
	l.Body, l.BodySize, l.BodySHA256 = body, 0, ""
	return nil
}

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
	// Query is that of the URL, for a source whose signatures cover it; else empty, since queries may have secrets.
	Query string
	// Header has the request's header fields, secrets redacted.
	Header map[string][]string
	// TokenDigests has a salted hash of each token that the request carried, by the canonical name of its header field, ?
	// and the name of a parameter of the URL, or "" for the path. They show later whether a configured token is the same one. Nobody can read the token from them.
	TokenDigests map[string]string
	// RemoteAddress, RequestID, ContentType and ReceivedAt are as in Notification.
	RemoteAddress, RequestID string
	ContentType              string
	ReceivedAt               time.Time
	// Body is the beginning of the request's body; Truncated says that there was more.
	Body      []byte
	Truncated bool
	// Known says that the sender proved who it is, or comes from an address that did. Only who stores the rejection has it.
	Known bool
	// Skipped is how many more were refused for the same cause and not kept, or removed for lack of capacity, on a rejection that stands for these and for
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
