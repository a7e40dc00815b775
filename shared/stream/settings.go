package stream

import (
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Settings are what can be chosen about the streams. Zero values mean the defaults.
type Settings struct {
	// Shards and Lanes are fixed when the streams are created. Zero takes what is there, else 4 and 64.
	Shards, Lanes int
	// Replicas is how many servers keep a copy: 1 (the default), 3 or 5.
	Replicas int
	// Unmanaged leaves it to another process to make the streams and to change them, as it has to be for one that
	// may not. Of the other settings only Shards and Lanes count then, which have to agree.
	Unmanaged bool
	// Notifications and the others are the bounds of each stream.
	Notifications, Events, Retries, DeadLetters, Rejections, Alerts Bounds
	// DuplicateWindow is how long an event's key is remembered; 48 h by default. GREEN-API repeats for 24 h.
	DuplicateWindow time.Duration
	// AlertWindow is how long alerts about the same thing count as one; 15 min by default.
	AlertWindow time.Duration
}

// Bounds limit a stream.
type Bounds struct {
	// MaxBytes is the most it may hold. Zero means as much as fits, up to a default.
	MaxBytes int64
	// MaxAge is how long it keeps a message. Zero means the stream's default.
	MaxAge time.Duration
}

const (
	defaultShards          = 4
	defaultLanes           = 64
	defaultDuplicateWindow = 48 * time.Hour
	defaultAlertWindow     = 15 * time.Minute
	// publishWindow is how long the id of a request or a dead letter is remembered. It outlasts every deadline
	// of a publisher that tries again.
	publishWindow = 10 * time.Minute
	// letterWindow outlasts the time for which a stopped worker's redelivered notifications are likely to come.
	letterWindow = 48 * time.Hour

	// retriesRoom is for more than a million parked events of common size.
	retriesRoom = 2 * gib

	week  = 7 * 24 * time.Hour
	month = 30 * 24 * time.Hour

	kib = int64(1) << 10
	mib = kib << 10
	gib = mib << 10

	// largest is what the two big streams ask for first when no size is configured; they halve it until the
	// server has that much room. smallest is where they give up.
	largest  = 64 * gib
	smallest = 64 * mib
)

// configs are all streams as they should be. The small ones come first: they need little, and the big ones take what
// is left.
func (s Settings) configs() []jetstream.StreamConfig {
	configs := append(s.besides(), s.flow()...)
	for i := range configs {
		configs[i].Storage = jetstream.FileStorage
		configs[i].Replicas = or(s.Replicas, 1)
		configs[i].AllowDirect = true
	}
	return configs
}

// besides are the streams that no notification goes through.
func (s Settings) besides() []jetstream.StreamConfig {
	// Losing the last rejections or alerts in a power cut is no harm; waiting for the disk for each would be,
	// in a flood of refused requests. The server offers this on one replica only.
	relaxed := jetstream.DefaultPersistMode
	if or(s.Replicas, 1) == 1 {
		relaxed = jetstream.AsyncPersistMode
	}
	return []jetstream.StreamConfig{
		{
			Name: Probes, Subjects: []string{"probe.>"}, Discard: jetstream.DiscardOld,
			Description: "the last readiness probe of each process",
			MaxBytes:    mib, MaxAge: time.Hour, MaxMsgsPerSubject: 1,
		},
		{
			Name: Rejections, Subjects: []string{"rejected.>"}, Discard: jetstream.DiscardOld,
			Description: "refused requests",
			MaxBytes:    or(s.Rejections.MaxBytes, 128*mib), MaxAge: or(s.Rejections.MaxAge, week),
			PersistMode: relaxed, MaxMsgsPerSubject: perPlace,
		},
		{
			Name: Alerts, Subjects: []string{"alert.>"}, Discard: jetstream.DiscardOld,
			Description: "what the operator is told",
			MaxBytes:    or(s.Alerts.MaxBytes, 16*mib), MaxAge: or(s.Alerts.MaxAge, month),
			Duplicates: or(s.AlertWindow, defaultAlertWindow), PersistMode: relaxed,
		},
		{
			Name: Operations, Subjects: []string{"operation.>"}, Discard: jetstream.DiscardOld,
			Description: "what operators did to the data",
			MaxBytes:    64 * mib, MaxAge: or(s.DeadLetters.MaxAge, month) + month,
		},
		{
			Name: Objects, Subjects: []string{"object.>"}, Discard: jetstream.DiscardOld,
			Description: "the newest time of each object whose events come out of order",
			MaxBytes:    256 * mib, MaxAge: month, MaxMsgsPerSubject: 1,
		},
	}
}

// flow are the streams on the way of a notification.
func (s Settings) flow() []jetstream.StreamConfig {
	return []jetstream.StreamConfig{
		{
			// A work queue: what was handled is gone, so that the stream holds what is still to do and nothing else.
			// The server knows schedules only where the oldest is discarded for room, so there is no bound at which
			// it would be: Park keeps it.
			Name: Retries, Subjects: []string{"retry.>", "due.>"}, Discard: jetstream.DiscardOld,
			Description: "events that wait for their next attempt",
			Retention:   jetstream.WorkQueuePolicy, AllowMsgSchedules: true,
			MaxBytes: -1, Duplicates: letterWindow,
			Metadata: map[string]string{metadataMaxBytes: strconv.FormatInt(or(s.Retries.MaxBytes, retriesRoom), 10)},
		},
		{
			Name: DeadLetters, Subjects: []string{"dead.>"}, Discard: jetstream.DiscardOld,
			Description: "what could not be processed",
			MaxBytes:    or(s.DeadLetters.MaxBytes, gib), MaxAge: or(s.DeadLetters.MaxAge, month),
			Duplicates: letterWindow,
		},
		{
			Name: Notifications, Subjects: []string{"in.>"}, Discard: jetstream.DiscardNew,
			Description: "raw requests as they came",
			MaxBytes:    s.Notifications.MaxBytes, Duplicates: publishWindow, AllowAtomicPublish: true,
			Metadata: map[string]string{metadataShards: strconv.Itoa(or(s.Shards, defaultShards))},
		},
		{
			Name: Events, Subjects: []string{"events.>"}, Discard: jetstream.DiscardNew,
			Description: "accepted, valid, unique",
			MaxBytes:    s.Events.MaxBytes, Duplicates: or(s.DuplicateWindow, defaultDuplicateWindow),
			AllowAtomicPublish: true,
			Metadata:           map[string]string{metadataLanes: strconv.Itoa(or(s.Lanes, defaultLanes))},
		},
	}
}

// or returns the value, or the fallback where it is zero.
func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
