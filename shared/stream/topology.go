package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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
	retryRoom retryRoom
	places    places // of rejections
}

// Open creates the streams that are not there, brings those that are to the settings, and reads the counts of
// shards and lanes that everybody must share. Settings that disagree with these counts are an error, because a
// chat would change its lane and lose its order. With unmanaged streams it waits until another process has made them.
func Open(ctx context.Context, conn *nats.Conn, settings Settings, log *slog.Logger) (*Streams, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	streams := &Streams{js: js, log: log, link: watch(conn), settings: settings}
	if err := streams.prepare(ctx); err != nil {
		return nil, err
	}
	if err := streams.readCounts(ctx, settings); err != nil {
		return nil, err
	}
	// Streams that have to be made anew get the counts they had.
	streams.settings.Shards, streams.settings.Lanes = streams.shards, streams.lanes
	replicas := or(streams.settings.Replicas, 1)
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

// prepare makes the streams as they are configured, or waits for them where that is not for this process to do.
func (s *Streams) prepare(ctx context.Context) error {
	if s.settings.Unmanaged {
		return s.await(ctx)
	}
	for _, config := range s.settings.configs() {
		if err := s.ensure(ctx, config); err != nil {
			return err
		}
	}
	return nil
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
	changed.MaxMsgsPerSubject = or(wanted.MaxMsgsPerSubject, present.MaxMsgsPerSubject)
	changed.Duplicates = or(wanted.Duplicates, present.Duplicates)
	changed.Replicas = wanted.Replicas
	if present.PersistMode == jetstream.AsyncPersistMode && wanted.Replicas > present.Replicas {
		// The server can neither replicate a stream that is not synced nor change that.
		changed.Replicas = present.Replicas
		s.log.Warn("stream stays on one server, because it was made without syncing; to have it made anew, "+
			"with what is in it lost, remove it and start again", "stream", wanted.Name)
	}
	changed.AllowAtomicPublish = wanted.AllowAtomicPublish
	if bound := wanted.Metadata[metadataMaxBytes]; bound != "" {
		changed.Metadata = map[string]string{}
		maps.Copy(changed.Metadata, present.Metadata)
		changed.Metadata[metadataMaxBytes] = bound
	}
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
	return slices.Equal(a.Subjects, b.Subjects) && a.Description == b.Description &&
		a.MaxBytes == b.MaxBytes && a.MaxAge == b.MaxAge &&
		a.MaxMsgsPerSubject == b.MaxMsgsPerSubject && a.Duplicates == b.Duplicates &&
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
	opened, err := insist(ctx, s.link, func(ctx context.Context) (jetstream.Stream, error) { return s.js.Stream(ctx, stream) })
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
