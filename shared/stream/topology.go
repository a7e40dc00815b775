package stream

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/internal/groupcommit"
	"sluice.internal/shared/stream/internal/wire"
)

// Client is the topology, opened. It is safe for concurrent use.
type Client struct {
	js          jetstream.JetStream
	log         *slog.Logger
	disconnects *disconnects
	// configured is how the configuration wants the streams. Where another process manages them, only the counts of
	// shards and lanes in it mean anything.
	configured config.Streams
	// publishOnly is for a process that puts notifications in and reads nothing.
	publishOnly bool
	// replicas is how many servers keep a copy: as configured, or as the server says where another process manages the
	// streams.
	replicas int
	// shards and lanes are as their streams say, 0 until that was read.
	shards, lanes int
	// logKey is the key by which logs hash ids of people, as EVENTS says, empty until that was read. newLogKey is for
	// streams that have none.
	logKey, newLogKey string

	readiness  *flight[struct{}]
	restoring  *flight[struct{}]
	retryQuota *flight[retryQuota]
}

// Open creates the streams that are not there, brings those that are to the configuration, and reads what everybody must
// share: the counts of shards and lanes, and the key by which logs hash ids of people, which the log gets. A configuration
// that disagrees with the counts is an error, because a chat would change its lane and lose its order. With manage: false
// it waits until another process has made them; the context ends the wait.
//
// It takes the configuration as it was checked, with the defaults filled in: config.Default is where tests begin.
func Open(ctx context.Context, conn *nats.Conn, configured config.Streams, log *slog.Logger) (*Client, error) {
	return open(ctx, conn, configured, false, log)
}

// OpenToPublish is Open for a process that puts notifications in and reads nothing. Where another process manages the
// streams it asks the server for NOTIFICATIONS alone: whoever may ask for a stream may list its subjects, and those of
// EVENTS have instances in them. Client.Lanes is 0 then, and a configured count of lanes is left to others to compare.
func OpenToPublish(ctx context.Context, conn *nats.Conn, configured config.Streams, log *slog.Logger) (*Client, error) {
	return open(ctx, conn, configured, true, log)
}

func open(ctx context.Context, conn *nats.Conn, configured config.Streams, publishOnly bool, log *slog.Logger) (*Client, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	client := newClient(js, configured, log)
	client.publishOnly, client.newLogKey = publishOnly, rand.Text()
	if err := client.prepare(ctx); err != nil {
		return nil, err
	}
	if err := client.readCounts(ctx); err != nil {
		return nil, err
	}
	service.SetPersonalKey(log, []byte(client.logKey))
	return client, nil
}

func newClient(js jetstream.JetStream, configured config.Streams, log *slog.Logger) *Client {
	s := &Client{
		js: js, log: log, disconnects: watch(js.Conn()), configured: configured, replicas: configured.Replicas,
		readiness:  newFlight[struct{}](probeValid, probeTimeout),
		restoring:  newFlight[struct{}](restorePause, restoreTimeout),
		retryQuota: newFlight[retryQuota](retryQuotaValid, retryQuotaTimeout),
	}
	s.retryQuota.forgetFailures = true // Who can't park tries again at its own pace.
	return s
}

// Shards returns into how many shards notifications are divided.
func (s *Client) Shards() int { return s.shards }

// Lanes returns into how many lanes events are divided, 0 where OpenToPublish did not ask.
func (s *Client) Lanes() int { return s.lanes }

// LogKey returns the key by which logs of this installation hash ids of people, for service.Digest; empty where the
// streams were made by a program that knew of none.
func (s *Client) LogKey() []byte { return []byte(s.logKey) }

// Replicas returns how many servers keep a copy of each stream.
func (s *Client) Replicas() int { return s.replicas }

// Log returns where the client logs.
func (s *Client) Log() *slog.Logger { return s.log }

// NewCosts returns what batches and single writes cost in these streams, to be learned by one kind of publishing.
func (s *Client) NewCosts() *groupcommit.Costs { return newCosts(s.Replicas()) }

// JetStream returns the connection's JetStream, for what has no method here.
func (s *Client) JetStream() jetstream.JetStream { return s.js }

// MaxBody returns the largest body, in bytes, that the server takes in a message with its headers.
func (s *Client) MaxBody() int64 { return s.js.Conn().MaxPayload() - wire.HeaderReserve }

// prepare makes the streams as they are configured, or waits for them where that is not for this process to do.
func (s *Client) prepare(ctx context.Context) error {
	if !s.configured.Manage {
		return s.await(ctx)
	}
	for _, wanted := range s.configs() {
		if err := s.ensure(ctx, wanted); err != nil {
			return err
		}
	}
	return nil
}

// ensure creates a stream or brings it to its configuration.
func (s *Client) ensure(ctx context.Context, config jetstream.StreamConfig) error {
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

// create creates a stream. One without a configured size asks for much and halves that until the server has so much capacity.
// The first of two such streams asks for both and keeps half of that, or it would leave the second what happens to be left. A
// crash in between leaves it with all of it.
func (s *Client) create(ctx context.Context, config jetstream.StreamConfig) error {
	sized, parts := config.MaxBytes != 0, int64(1)
	if !sized && config.Name == Notifications && s.configured.Events.MaxBytes == 0 {
		parts = 2
	}
	if !sized {
		config.MaxBytes = maxChosenBytes * parts
	}
	_, err := s.js.CreateStream(ctx, config)
	for err != nil && !sized && isNoCapacity(err) && config.MaxBytes/2 >= minChosenBytes*parts {
		config.MaxBytes /= 2
		_, err = s.js.CreateStream(ctx, config)
	}
	if err == nil && parts > 1 {
		config.MaxBytes /= parts
		_, err = s.js.UpdateStream(ctx, config)
	}
	if err != nil {
		return fmt.Errorf("create stream %s of %d bytes: %w", config.Name, config.MaxBytes, explainCreate(err))
	}
	s.log.Info("stream created", "stream", config.Name, "max_bytes", config.MaxBytes, "replicas", config.Replicas)
	return nil
}

// update brings a stream to its configuration where that differs. What can't be changed later, and what was
// chosen at its creation, stays.
func (s *Client) update(ctx context.Context, present, wanted jetstream.StreamConfig) error {
	changed := present
	changed.Subjects = wanted.Subjects
	changed.Description = wanted.Description
	changed.MaxBytes = cmp.Or(wanted.MaxBytes, present.MaxBytes)
	changed.MaxAge = wanted.MaxAge
	changed.Discard = wanted.Discard
	changed.MaxMsgsPerSubject = cmp.Or(wanted.MaxMsgsPerSubject, present.MaxMsgsPerSubject)
	changed.Duplicates = cmp.Or(wanted.Duplicates, present.Duplicates)
	changed.Replicas = wanted.Replicas
	if present.PersistMode == jetstream.AsyncPersistMode && wanted.Replicas > present.Replicas {
		// The server can neither replicate a stream that is not synced nor change that.
		changed.Replicas = present.Replicas
		s.log.Warn("stream stays on one server, because it was made without syncing; to have it made anew, "+
			"with what is in it lost, remove it and start again", "stream", wanted.Name)
	}
	changed.AllowAtomicPublish = wanted.AllowAtomicPublish
	changed.Metadata = updatedMetadata(present.Metadata, wanted.Metadata)
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

// updatedMetadata returns what the metadata is to be. What the stream's creator chose for all stays as it is.
func updatedMetadata(present, wanted map[string]string) map[string]string {
	changed := map[string]string{}
	maps.Copy(changed, present)
	if bound := wanted[wire.MetadataMaxBytes]; bound != "" {
		changed[wire.MetadataMaxBytes] = bound
	}
	upgradeKeys(changed, wanted)
	if key := wanted[wire.MetadataLogKey]; key != "" && changed[wire.MetadataLogKey] == "" {
		changed[wire.MetadataLogKey] = key
	}
	return changed
}

func sameConfig(a, b jetstream.StreamConfig) bool {
	return slices.Equal(a.Subjects, b.Subjects) && a.Description == b.Description &&
		a.MaxBytes == b.MaxBytes && a.MaxAge == b.MaxAge && a.Discard == b.Discard &&
		a.MaxMsgsPerSubject == b.MaxMsgsPerSubject && a.Duplicates == b.Duplicates &&
		a.Replicas == b.Replicas && a.AllowAtomicPublish == b.AllowAtomicPublish && maps.Equal(a.Metadata, b.Metadata)
}

// readCounts reads shards, lanes and the key of logs from where their streams' creator wrote them.
func (s *Client) readCounts(ctx context.Context) (err error) {
	s.shards, err = s.readCount(ctx, Notifications, wire.MetadataShards, s.configured.Shards)
	if err != nil || !s.configured.Manage && s.publishOnly {
		return err
	}
	s.lanes, err = s.readCount(ctx, Events, wire.MetadataLanes, s.configured.Lanes)
	return err
}

// readCount reads a count from the metadata of a stream. It is an error when another one is configured; 0 takes what is
// there.
func (s *Client) readCount(ctx context.Context, stream, key string, configured int) (int, error) {
	opened, err := s.Stream(ctx, stream)
	if err != nil {
		return 0, err
	}
	if !s.configured.Manage {
		s.replicas = opened.CachedInfo().Config.Replicas
	}
	metadata := opened.CachedInfo().Config.Metadata
	if stream == Events {
		s.logKey = metadata[wire.MetadataLogKey]
	}
	written := metadata[key]
	if key == wire.MetadataLanes {
		written = cmp.Or(written, metadata[wire.FormerMetadataLanes])
	}
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
