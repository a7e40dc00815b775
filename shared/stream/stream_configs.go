package stream

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/internal/wire"
)

// What the configuration does not choose about the streams. Sizes are in bytes.
const (
	// requestWindow is how long the id of an accepted request is remembered. It outlasts every deadline of a publisher
	// that tries again.
	requestWindow = 10 * time.Minute
	// deadLetterWindow is how long the id of a dead letter or a parked event is remembered. It outlasts the time for which
	// a stopped worker's redelivered messages are likely to come.
	deadLetterWindow = 48 * time.Hour

	probesMaxBytes = 1 << 20
	probesMaxAge   = time.Hour

	operationsMaxBytes = 64 << 20
	// operationsOutlive is how much longer an operation stays than the dead letters and events it may be about.
	operationsOutlive = 30 * 24 * time.Hour

	// Each object takes one message of some hundred bytes, so this is for about a million of them. An object about which
	// nothing came for that long has no late events any more.
	objectsMaxBytes = 256 << 20
	objectsMaxAge   = 30 * 24 * time.Hour

	// Only what workers died of writes here, a few hundred bytes each. What was looked at a week ago has its outcome.
	suspectsMaxBytes = 16 << 20
	suspectsMaxAge   = 7 * 24 * time.Hour

	// A position takes some hundred bytes, so this is for hundreds of thousands of bots and instances.
	positionsMaxBytes = 128 << 20

	// An answer takes some hundred bytes, so this is for about a million of them. It stays as long as its event may be handled
	// again: as an event, as a dead letter, and some time for what is under way.
	repliesMaxBytes = 256 << 20
	repliesOutlive  = 7 * 24 * time.Hour

	// One state of less than a kilobyte for each instance that is polled, and one lease.
	statesMaxBytes = 64 << 20
	statesMaxAge   = 7 * 24 * time.Hour

	// maxChosenBytes is what the two big streams ask for first when no size is configured; they halve it until the
	// server has that much capacity. minChosenBytes is where they give up.
	maxChosenBytes = 64 << 30
	minChosenBytes = 64 << 20
)

// configs returns all streams as they should be. Those of a known size come first: the others take what is left.
func (s *Client) configs() []jetstream.StreamConfig {
	configs := append(s.besides(), s.flow()...)
	slices.SortStableFunc(configs, sizedFirst)
	for i := range configs {
		configs[i].Storage = jetstream.FileStorage
		configs[i].Replicas = s.replicas
		// Only the leader knows where a bot is: one that is behind would hand an event out again that was deleted. The same goes
		// for what was answered.
		configs[i].AllowDirect = configs[i].Name != Positions && configs[i].Name != Replies
	}
	return configs
}

// sizedFirst orders a stream of a known size before one of none.
func sizedFirst(a, b jetstream.StreamConfig) int {
	switch aSized, bSized := a.MaxBytes != 0, b.MaxBytes != 0; {
	case aSized == bSized:
		return 0
	case aSized:
		return -1
	default:
		return 1
	}
}

// besides returns the streams that no notification goes through.
func (s *Client) besides() []jetstream.StreamConfig {
	// Losing the last rejections or alerts in a power cut is no harm; waiting for the disk for each would be,
	// in a flood of refused requests. The server offers this on one replica only.
	relaxed := jetstream.DefaultPersistMode
	if s.replicas == 1 {
		relaxed = jetstream.AsyncPersistMode
	}
	wanted := s.configured
	return []jetstream.StreamConfig{
		{
			Name: Probes, Subjects: []string{"probe.>"}, Discard: jetstream.DiscardOld,
			Description: "the last readiness probe of each process",
			MaxBytes:    probesMaxBytes, MaxAge: probesMaxAge, MaxMsgsPerSubject: 1,
		},
		{
			// What is over is for retention to remove: the server knows the oldest, and not whose it is.
			Name: Rejections, Subjects: []string{"rejected.>"}, Discard: jetstream.DiscardNew,
			Description: "refused requests",
			MaxBytes:    int64(wanted.Rejections.MaxBytes), MaxAge: wanted.Rejections.Keep,
			PersistMode: relaxed, MaxMsgsPerSubject: -1,
		},
		{
			Name: Alerts, Subjects: []string{"alert.>"}, Discard: jetstream.DiscardOld,
			Description: "what the operator is told",
			MaxBytes:    int64(wanted.Alerts.MaxBytes), MaxAge: wanted.Alerts.Keep,
			Duplicates: wanted.Alerts.GroupWindow, PersistMode: relaxed,
		},
		{
			Name: Operations, Subjects: []string{"operation.>"}, Discard: jetstream.DiscardOld,
			Description: "what operators did to the data",
			MaxBytes:    operationsMaxBytes, MaxAge: max(wanted.DeadLetters.Keep, wanted.Events.MaxAge) + operationsOutlive,
		},
		{
			Name: Objects, Subjects: []string{"object.>"}, Discard: jetstream.DiscardOld,
			Description: "the newest time of each object whose events come out of order",
			MaxBytes:    objectsMaxBytes, MaxAge: objectsMaxAge, MaxMsgsPerSubject: 1,
		},
		{
			Name: Suspects, Subjects: []string{"suspect.>"}, Discard: jetstream.DiscardOld,
			Description: "what workers ended with, and who looks at it now",
			MaxBytes:    suspectsMaxBytes, MaxAge: suspectsMaxAge, MaxMsgsPerSubject: 1,
		},
		{
			Name: Positions, Subjects: []string{"position.>"}, Discard: jetstream.DiscardNew,
			Description: "how far each bot is in the events",
			MaxBytes:    positionsMaxBytes, MaxMsgsPerSubject: 1,
		},
		{
			Name: Replies, Subjects: []string{"reply.>"}, Discard: jetstream.DiscardOld,
			Description: "which events were answered",
			MaxBytes:    repliesMaxBytes, MaxAge: max(wanted.Events.MaxAge, wanted.Events.Keep) + wanted.DeadLetters.Keep + repliesOutlive, MaxMsgsPerSubject: 1,
		},
		{
			// Leases end by themselves, so that losing this in a power cut is no harm.
			Name: States, Subjects: []string{"lease.>", "state.>"}, Discard: jetstream.DiscardOld,
			Description: "what pollers say about themselves, and their leases",
			MaxBytes:    statesMaxBytes, MaxAge: statesMaxAge, MaxMsgsPerSubject: 1, AllowMsgTTL: true, PersistMode: relaxed,
		},
	}
}

// flow returns the streams on the way of a notification.
func (s *Client) flow() []jetstream.StreamConfig {
	wanted := s.configured
	return []jetstream.StreamConfig{
		{
			// A work queue: what was handled is gone, so that the stream holds what is still to do and nothing else.
			// The server knows schedules only where the oldest is discarded for lack of capacity, so there is no bound at
			// which it would be: Park keeps it.
			Name: Retries, Subjects: []string{"retry.>", "due.>"}, Discard: jetstream.DiscardOld,
			Description: "events that wait for their next attempt",
			Retention:   jetstream.WorkQueuePolicy, AllowMsgSchedules: true,
			MaxBytes: -1, MaxAge: wanted.Events.MaxAge, Duplicates: withinAge(deadLetterWindow, wanted.Events.MaxAge),
			Metadata: map[string]string{wire.MetadataMaxBytes: strconv.FormatInt(int64(wanted.Retries.MaxBytes), 10)},
		},
		{
			Name: DeadLetters, Subjects: []string{"dead.>"}, Discard: jetstream.DiscardOld,
			Description: "what could not be processed",
			MaxBytes:    int64(wanted.DeadLetters.MaxBytes), MaxAge: wanted.DeadLetters.Keep,
			Duplicates: withinAge(deadLetterWindow, wanted.DeadLetters.Keep),
		},
		{
			Name: Notifications, Subjects: []string{"in.>"}, Discard: jetstream.DiscardNew,
			Description: "raw requests as they came",
			MaxBytes:    int64(wanted.Notifications.MaxBytes), AllowAtomicPublish: true,
			MaxAge: wanted.Notifications.MaxAge, Duplicates: withinAge(requestWindow, wanted.Notifications.MaxAge),
			Metadata: map[string]string{wire.MetadataShards: strconv.Itoa(cmp.Or(s.shards, wanted.Shards, config.ShardsWhenMade))},
		},
		{
			Name: Events, Subjects: []string{"events.>"}, Discard: jetstream.DiscardNew,
			Description: "accepted, valid, unique",
			MaxBytes:    int64(wanted.Events.MaxBytes), MaxAge: wanted.Events.MaxAge, Duplicates: wanted.Events.DuplicateWindow,
			AllowAtomicPublish: true,
			Metadata: map[string]string{
				wire.MetadataLanes:  strconv.Itoa(cmp.Or(s.lanes, wanted.Lanes, config.LanesWhenMade)),
				wire.MetadataKeys:   strconv.Itoa(notification.KeyVersion),
				wire.MetadataLogKey: cmp.Or(s.logKey, s.newLogKey),
			},
		},
	}
}

// withinAge returns the window, or the age of a stream in which messages do not get as old: NATS wants no window beyond it.
// An age of 0 means that there is none.
func withinAge(window, maxAge time.Duration) time.Duration {
	if maxAge == 0 {
		return window
	}
	return min(window, maxAge)
}
