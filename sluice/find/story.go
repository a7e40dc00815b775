package find

import "time"

// Answer is what was found.
type Answer struct {
	// Stories are of notifications and of refused requests, the oldest first.
	Stories []Story
	// Looked says how far it looked, by stream.
	Looked []Looked
	// Limited says that there were as many stories as it may tell, so that older ones were not looked for.
	Limited bool
}

// Looked says how far a stream was read.
type Looked struct {
	Stream string
	// Messages is how many were read, Back when the oldest of them was stored, zero where there was none.
	Messages uint64
	Back     time.Time
	// Complete says that nothing is left that was to be read.
	Complete bool
}

// Story is what happened to one notification, and to those that are the same, or to a refused request.
type Story struct {
	// Source, Type, Instance and OrderKey are as far as they are known.
	Source, Type, Instance, OrderKey string
	// Key is the event's, empty where it is not known.
	Key string
	// Steps are in the order of their times. Those without a time are how things are now, and come last.
	Steps []Step
}

// What a step can be.
const (
	StepArrived    = "arrived"
	StepBecame     = "became"
	StepFolded     = "folded"
	StepFailed     = "failed"
	StepParked     = "parked"
	StepDue        = "due"
	StepDeadLetter = "dead-letter"
	StepOperation  = "operation"
	StepHandled    = "handled"
	StepDropped    = "dropped"
	StepWaiting    = "waiting"
	StepRefused    = "refused"
	StepUnknown    = "unknown"
)

// Step is something that happened, or how things are.
type Step struct {
	// At is when; zero where nothing that is stored says so.
	At time.Time
	// What is one of the Step constants, Text says the same in words.
	What, Text string
	// Group is who did it, empty for what is no group's.
	Group string
	// NotificationSequence, EventSequence, DeadSequence and RejectionSequence are the places that it is about, 0 for none.
	NotificationSequence, EventSequence, DeadSequence, RejectionSequence uint64
	// Attempt counts the tries of a group from 1, 0 where it is none.
	Attempt int
	// Error is what went wrong.
	Error string
}
