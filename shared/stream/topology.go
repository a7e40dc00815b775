package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Settings are what can be chosen about the streams. Zero values mean the defaults.
type Settings struct {
	// Shards and Lanes are fixed when the streams are created. Zero takes what is there, else 4 and 64.
	Shards, Lanes int
	// Replicas is how many servers keep a copy: 1 (the default), 3 or 5.
	Replicas int
	// Notifications and the others are the bounds of each stream.
	Notifications, Events, DeadLetters, Rejections, Alerts Bounds
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

// Streams is the topology, opened. It is safe for concurrent use.
type Streams struct {
	js        jetstream.JetStream
	log       *slog.Logger
	link      *link
	settings  Settings
	publisher *publisher // of notifications
	events    *costs     // of publishing events
	shards    int
	lanes     int
	readiness readiness
	restoring restoring
}

// Open creates the streams that are not there, brings those that are to the settings, and reads the counts of
// shards and lanes that everybody must share. Settings that disagree with these counts are an error, because a
// chat would change its lane and lose its order.
func Open(ctx context.Context, conn *nats.Conn, settings Settings, log *slog.Logger) (*Streams, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	streams := &Streams{js: js, log: log, link: watch(conn), settings: settings}
	// The small streams come first: they need little, and the big ones take what is left.
	for _, config := range settings.configs() {
		if err := streams.ensure(ctx, config); err != nil {
			return nil, err
		}
	}
	if err := streams.readCounts(ctx, settings); err != nil {
		return nil, err
	}
	// Streams that have to be made anew get the counts they had.
	streams.settings.Shards, streams.settings.Lanes = streams.shards, streams.lanes
	replicas := or(settings.Replicas, 1)
	streams.publisher = newPublisher(streams, replicas)
	streams.events = newCosts(replicas)
	return streams, nil
}

// Shards returns into how many shards notifications are divided.
func (s *Streams) Shards() int { return s.shards }

// Lanes returns into how many lanes events are divided.
func (s *Streams) Lanes() int { return s.lanes }

// JetStream returns the connection's JetStream, for what has no method here.
func (s *Streams) JetStream() jetstream.JetStream { return s.js }

// MaxBody returns the largest body, in bytes, that the server takes in a message with its headers.
func (s *Streams) MaxBody() int64 { return s.js.Conn().MaxPayload() - HeaderRoom }

func (s Settings) configs() []jetstream.StreamConfig {
	replicas := or(s.Replicas, 1)
	// Losing the last rejections or alerts in a power cut is no harm; waiting for the disk for each would be,
	// in a flood of refused requests. The server offers this on one replica only.
	relaxed := jetstream.DefaultPersistMode
	if replicas == 1 {
		relaxed = jetstream.AsyncPersistMode
	}
	configs := []jetstream.StreamConfig{
		{
			Name: Probes, Subjects: []string{"probe.>"}, Discard: jetstream.DiscardOld,
			Description: "the last readiness probe of each process",
			MaxBytes:    mib, MaxAge: time.Hour, MaxMsgsPerSubject: 1,
		},
		{
			Name: Rejections, Subjects: []string{"rejected.>"}, Discard: jetstream.DiscardOld,
			Description: "refused requests",
			MaxBytes:    or(s.Rejections.MaxBytes, 64*mib), MaxAge: or(s.Rejections.MaxAge, week),
			PersistMode: relaxed,
		},
		{
			Name: Alerts, Subjects: []string{"alert.>"}, Discard: jetstream.DiscardOld,
			Description: "what the operator is told",
			MaxBytes:    or(s.Alerts.MaxBytes, 16*mib), MaxAge: or(s.Alerts.MaxAge, month),
			Duplicates: or(s.AlertWindow, defaultAlertWindow), PersistMode: relaxed,
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
	for i := range configs {
		configs[i].Retention = jetstream.LimitsPolicy
		configs[i].Storage = jetstream.FileStorage
		configs[i].Replicas = replicas
		configs[i].AllowDirect = true
	}
	return configs
}

// or returns the value, or the fallback where it is zero.
func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// ensure creates a stream or brings it to its configuration.
func (s *Streams) ensure(ctx context.Context, config jetstream.StreamConfig) error {
	present, err := s.js.Stream(ctx, config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = s.create(ctx, config)
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return err
		}
		// Another process created it in between.
		present, err = s.js.Stream(ctx, config.Name)
	}
	if err != nil {
		return fmt.Errorf("open stream %s: %w", config.Name, err)
	}
	return s.update(ctx, present.CachedInfo().Config, config)
}

func (s *Streams) create(ctx context.Context, config jetstream.StreamConfig) error {
	sized := config.MaxBytes != 0
	if !sized {
		config.MaxBytes = largest
	}
	for {
		_, err := s.js.CreateStream(ctx, config)
		if err == nil {
			s.log.Info("stream created", "stream", config.Name, "max_bytes", config.MaxBytes, "replicas", config.Replicas)
			return nil
		}
		if sized || !isNoRoom(err) || config.MaxBytes/2 < smallest {
			return fmt.Errorf("create stream %s of %d bytes: %w", config.Name, config.MaxBytes, explainCreate(err))
		}
		config.MaxBytes /= 2
	}
}

// update brings a stream to its configuration where that differs. What can't be changed later, and what was
// chosen at its creation, stays.
func (s *Streams) update(ctx context.Context, present, wanted jetstream.StreamConfig) error {
	changed := present
	changed.Subjects = wanted.Subjects
	changed.Description = wanted.Description
	changed.MaxBytes = or(wanted.MaxBytes, present.MaxBytes)
	changed.MaxAge = wanted.MaxAge
	changed.Duplicates = or(wanted.Duplicates, present.Duplicates)
	changed.Replicas = wanted.Replicas
	changed.AllowAtomicPublish = wanted.AllowAtomicPublish
	if sameConfig(present, changed) {
		return nil
	}
	if _, err := s.js.UpdateStream(ctx, changed); err != nil {
		return fmt.Errorf("update stream %s: %w", wanted.Name, explainCreate(err))
	}
	s.log.Info("stream updated", "stream", wanted.Name, "max_bytes", changed.MaxBytes,
		"max_age", changed.MaxAge, "duplicate_window", changed.Duplicates, "replicas", changed.Replicas)
	return nil
}

func sameConfig(a, b jetstream.StreamConfig) bool {
	return len(a.Subjects) == 1 && a.Subjects[0] == b.Subjects[0] && a.Description == b.Description &&
		a.MaxBytes == b.MaxBytes && a.MaxAge == b.MaxAge && a.Duplicates == b.Duplicates &&
		a.Replicas == b.Replicas && a.AllowAtomicPublish == b.AllowAtomicPublish && maps.Equal(a.Metadata, b.Metadata)
}

// readCounts reads shards and lanes from where their streams' creator wrote them.
func (s *Streams) readCounts(ctx context.Context, settings Settings) (err error) {
	s.shards, err = s.readCount(ctx, Notifications, metadataShards, settings.Shards)
	if err != nil {
		return err
	}
	s.lanes, err = s.readCount(ctx, Events, metadataLanes, settings.Lanes)
	return err
}

func (s *Streams) readCount(ctx context.Context, stream, key string, configured int) (int, error) {
	opened, err := s.js.Stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("open stream %s: %w", stream, err)
	}
	written := opened.CachedInfo().Config.Metadata[key]
	count, err := strconv.Atoi(written)
	if err != nil || count < 1 {
		return 0, fmt.Errorf("read %s of stream %s: %q is no count; was the stream made by another program?", key, stream, written)
	}
	if configured != 0 && configured != count {
		return 0, fmt.Errorf("stream %s was created with %s = %d and is configured with %d: "+
			"the count can't change while the stream exists; configure %d or leave it out", stream, key, count, configured, count)
	}
	return count, nil
}
