package notification

import "time"

// Retry is an event that a group's handler failed at and that waits for its next attempt.
type Retry struct {
	Event

	// Group is the group whose handler failed.
	Group string
	// DueAt is when the next attempt is to be made; zero when it is due and waits for a worker.
	DueAt time.Time
	// RetrySequence is the place in the stream of retries. Event.Sequence stays that of the event.
	RetrySequence uint64
}

// Operation is something that a person did to the data, kept so that it can be accounted for.
type Operation struct {
	// What was done, one of the Operation constants.
	What string `json:"what"`
	// At is when, By who, as far as the program could tell.
	At time.Time `json:"at"`
	By string    `json:"by,omitempty"`
	// Detail says in a sentence what a person should know about it.
	Detail string `json:"detail,omitempty"`
	// Group, Key and Reason are those of what it was done to; each may be empty.
	Group  string `json:"group,omitempty"`
	Key    string `json:"key,omitempty"`
	Reason string `json:"reason,omitempty"`
	// DeadSequence, NotificationSequence, EventSequence and RejectionSequence are the places of what it was done to; 0 where there is none.
	DeadSequence         uint64 `json:"dead_sequence,omitempty"`
	NotificationSequence uint64 `json:"notification_sequence,omitempty"`
	EventSequence        uint64 `json:"event_sequence,omitempty"`
	// Part is which part of the notification it was done to, see Origin.
	Part              int    `json:"part,omitempty"`
	RejectionSequence uint64 `json:"rejection_sequence,omitempty"`
	// Digests stand for what was erased, one for each id. The ids themselves stand nowhere. They show that an id which
	// somebody names was erased, and are slow to compute, so that nobody tries all ids.
	Digests []string `json:"digests,omitempty"`
	// Keys stand for the keys of events that are gone and that the store still folds repetitions into. See KeySet.
	Keys *KeySet `json:"keys,omitempty"`
	// Sequences are the places of what it was done to where these are many, by stream.
	Sequences map[string]Sequences `json:"sequences,omitempty"`
	// Sequence is the place in the stream of operations; 0 before it is stored.
	Sequence uint64 `json:"-"`
}

// What an operation can be.
const (
	OperationDropDeadLetter  = "drop-dead-letter"
	OperationRetryDeadLetter = "retry-dead-letter"
	OperationRemoveGroup     = "remove-group"
	OperationRemoveBot       = "remove-bot"
	OperationReplay          = "replay"
	OperationSkip            = "skip"
	OperationAcceptRejection = "accept-rejection"
	OperationErase           = "erase"
	// OperationAgeOut is done by no person: messages that nobody had processed reached the age at which nothing stays.
	OperationAgeOut = "age-out"
)
