package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// allTypes stands in a group's metadata for: whatever has a handler.
	allTypes = "*"
	// wideAckPending is how many events of an unordered group may be under way in all of its workers together.
	wideAckPending = 8192
)

// GroupSettings say what a group is. All of its workers have the same.
type GroupSettings struct {
	// Name tells groups apart. Each gets all events.
	Name string
	// Types are the handlers it was restricted to, nil for all.
	Types []string
	// Unordered hands any event to whoever is free, instead of those of one lane one after the other.
	Unordered bool
}

// Group is a set of handlers that share durable consumers: one for each lane, and some for what is due again.
type Group struct {
	// Queues are the group's consumers.
	Queues []*Queue

	streams  *Streams
	settings GroupSettings
	types    string
}

// Group opens a group's consumers and makes those that are not there; a new group begins with the oldest event
// that is kept. Workers of one group share its events, so a worker with other types would take events away from
// the others: while they run, that is an error.
func (s *Streams) Group(ctx context.Context, settings GroupSettings) (*Group, error) {
	group := &Group{streams: s, settings: settings, types: joinTypes(settings.Types)}
	if err := group.check(ctx); err != nil {
		return nil, err
	}
	var born time.Time
	for _, plan := range group.plans() {
		consumer, err := s.openConsumer(ctx, plan.stream, group.config(plan))
		if err != nil {
			return nil, fmt.Errorf("open consumer %s of stream %s: %w", plan.name, plan.stream, err)
		}
		if born.IsZero() {
			born = consumer.CachedInfo().Created
		}
		group.Queues = append(group.Queues, &Queue{
			streams: s, consumer: consumer, name: plan.name, group: settings.Name, born: born, due: plan.stream == Retries,
		})
	}
	return group, nil
}

// plan is a consumer as it should be.
type plan struct {
	stream, name, filter, description string
	pending                           int
}

func (g *Group) plans() []plan {
	name := g.settings.Name
	if g.settings.Unordered {
		return []plan{
			{Events, name + wideSuffix, "events.>", "hands all events to group " + name, wideAckPending},
			{Retries, name + wideSuffix, "due." + name + ".>", "hands what is due to group " + name, wideAckPending},
		}
	}
	plans := make([]plan, 0, g.streams.lanes+g.streams.dueParts())
	for lane := range g.streams.lanes {
		number := strconv.Itoa(lane)
		plans = append(plans, plan{Events, name + "-" + number, "events." + number + ".>", "hands lane " + number + " to group " + name, 1})
	}
	for part := range g.streams.dueParts() {
		number := strconv.Itoa(part)
		plans = append(plans, plan{Retries, name + "-" + number, dueSubject(name, part), "hands due part " + number + " to group " + name, 1})
	}
	return plans
}

// wideSuffix ends the names of an unordered group's consumers.
const wideSuffix = "-all"

func (g *Group) config(p plan) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       p.name,
		Description:   p.description,
		FilterSubject: p.filter,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       queueAckWait,
		MaxAckPending: p.pending,
		MaxDeliver:    -1,
		Metadata:      map[string]string{metadataGroup: g.settings.Name, metadataTypes: g.types},
	}
}

func joinTypes(types []string) string {
	if len(types) == 0 {
		return allTypes
	}
	return strings.Join(slices.Sorted(slices.Values(types)), ",")
}

// check refuses to join a group that is another one.
func (g *Group) check(ctx context.Context) error {
	if err := g.checkOrder(ctx); err != nil {
		return err
	}
	return g.checkTypes(ctx)
}

// checkOrder refuses to make the consumers of an unordered group beside those of an ordered one, or the other way
// round: they would hand out everything twice.
func (g *Group) checkOrder(ctx context.Context) error {
	other := g.settings.Name + wideSuffix
	if g.settings.Unordered {
		other = g.settings.Name + "-0"
	}
	_, err := g.streams.js.Consumer(ctx, Events, other)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("open consumer %s: %w", other, err)
	}
	return fmt.Errorf("group %q was made with ordered: %t and this worker has %t: choose another group, or remove "+
		"this one with `sluice groups rm %s`; it begins anew then with the oldest event that is kept",
		g.settings.Name, g.settings.Unordered, !g.settings.Unordered, g.settings.Name)
}

// checkTypes refuses to join a running group that handles other types.
func (g *Group) checkTypes(ctx context.Context) error {
	first := g.plans()[0].name
	consumer, err := g.streams.js.Consumer(ctx, Events, first)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open consumer %s: %w", first, err)
	}
	info := consumer.CachedInfo()
	present := info.Config.Metadata[metadataTypes]
	if present == g.types || info.NumWaiting == 0 {
		return nil
	}
	return fmt.Errorf("group %q is running with types %q and this worker has %q: the workers of a group share its events; "+
		"choose another group, or stop the group's other workers first", g.settings.Name, present, g.types)
}

// GroupNames returns the names of all groups, in order.
func (s *Streams) GroupNames(ctx context.Context) ([]string, error) {
	consumers, err := s.consumersOf(ctx, Events)
	if err != nil {
		return nil, err
	}
	return names(groupsOf(consumers)), nil
}

// RemoveGroup deletes a group's consumers and what was parked for it. The events stay.
func (s *Streams) RemoveGroup(ctx context.Context, name string) error {
	for _, stream := range []string{Events, Retries} {
		consumers, err := s.consumersOf(ctx, stream)
		if err != nil {
			return err
		}
		for _, info := range groupsOf(consumers)[name] {
			if err := s.js.DeleteConsumer(ctx, stream, info.Name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
				return fmt.Errorf("delete consumer %s of stream %s: %w", info.Name, stream, err)
			}
		}
	}
	retries, err := s.js.Stream(ctx, Retries)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", Retries, err)
	}
	for _, subject := range []string{"retry." + name + ".>", "due." + name + ".>"} {
		if err := retries.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
			return fmt.Errorf("purge %s: %w", subject, err)
		}
	}
	return nil
}
