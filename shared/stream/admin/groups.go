package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// GroupNames returns the names of all groups, in order, also of those that no worker serves at the moment.
func (s *Client) GroupNames(ctx context.Context) ([]string, error) {
	consumers, err := s.core.Consumers(ctx, stream.Events)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(stream.GroupsOf(consumers))), nil
}

// RemoveGroup deletes a group's consumers, what was parked for it, and what is known of its chats that are aside. The events stay.
//
// The consumers go first: as long as one is there, the group holds back trimming, and a worker that still runs would park
// more. What a crash cuts short is done by removing the group once more; a group that is not there is no error. A group
// that is made anew under the name begins with the oldest event that is kept.
func (s *Client) RemoveGroup(ctx context.Context, name string) error {
	for _, from := range []string{stream.Events, stream.Retries} {
		consumers, err := s.core.Consumers(ctx, from)
		if err != nil {
			return err
		}
		for _, info := range stream.ConsumersOf(consumers, name) {
			err := stream.Repeat(ctx, s.core, func(ctx context.Context) error { return s.js.DeleteConsumer(ctx, from, info.Name) })
			if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
				return fmt.Errorf("delete consumer %s of stream %s: %w", info.Name, from, err)
			}
		}
	}
	retries, err := s.core.Stream(ctx, stream.Retries)
	if err != nil {
		return err
	}
	for _, subject := range []string{"retry." + name + ".>", "due." + name + ".>"} {
		if err := purge(ctx, s.core, retries, subject); err != nil {
			return fmt.Errorf("purge %s: %w", subject, err)
		}
	}
	positions, err := s.js.Stream(ctx, stream.Positions)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", stream.Positions, err)
	}
	if err := positions.Purge(ctx, jetstream.WithPurgeSubject(wire.AsidesOf(name))); err != nil {
		return fmt.Errorf("purge what is aside of group %q: %w", name, err)
	}
	return nil
}

// purge removes all messages of a stream with a subject.
func purge(ctx context.Context, core *stream.Client, opened jetstream.Stream, subject string) error {
	return stream.Repeat(ctx, core, func(ctx context.Context) error {
		return opened.Purge(ctx, jetstream.WithPurgeSubject(subject))
	})
}
