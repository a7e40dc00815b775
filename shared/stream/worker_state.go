package stream

import "time"

// WorkerState is what a worker tells of itself, about once a second. It is not stored: who is not there to listen misses it.
// By these states workers share the partitions of their group, and an operator sees what they do.
type WorkerState struct {
	// ID names the process, and is another one after a restart.
	ID    string `json:"id"`
	Group string `json:"group"`
	// StartedAt is when the process began.
	StartedAt time.Time `json:"started_at"`
	// Leaving says that it stops and gives everything up.
	Leaving bool `json:"leaving,omitempty"`
	// Asides says that the worker knows of chats that are aside, see Aside. Without, it is of an older version.
	Asides bool `json:"asides,omitempty"`
	// Partitions are the consumers that it owns or is about to own.
	Partitions []string `json:"partitions"`
	// UnderWay counts the events that are handled right now, Waiting those that it holds beside, Chats those that they are
	// of.
	UnderWay int `json:"under_way"`
	Waiting  int `json:"waiting"`
	Chats    int `json:"chats"`
	// Slowest is the handler that has run for the longest time, nil without any.
	Slowest *RunningHandler `json:"slowest,omitempty"`
	// Heedless are handlers that run on although their time is over, the longest first, up to MaxHeedlessTold.
	Heedless []RunningHandler `json:"heedless,omitempty"`
}

// MaxHeedlessTold bounds what a worker tells of its handlers that do not heed their context.
const MaxHeedlessTold = 8

// RunningHandler is a handler that is being called.
type RunningHandler struct {
	Type     string    `json:"type"`
	Instance string    `json:"instance"`
	Key      string    `json:"key"`
	Since    time.Time `json:"since"`
}
