package consume

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

const (
	// unorderedAckPending is how many events of an unordered group may be under way in all of its workers together.
	unorderedAckPending = 1 << 17
	// ownedAckPending is how many events of a partition may be in its owner's hands.
	ownedAckPending = 16384
)

// GroupSettings say what a group is. All of its workers have the same.
type GroupSettings struct {
	// Name tells groups apart. Each gets all events.
	Name string
	// Types are the handlers it was restricted to, nil for all.
	Types []string
	// Unordered hands any event to whoever is free, instead of keeping those of one chat in order.
	Unordered bool
}

// Group is a set of handlers that share durable consumers: some for what is new, and some for what is due again.
type Group struct {
	// Partitions are the group's consumers.
	Partitions []*Partition

	streams  *Client
	settings GroupSettings
	types    string
}

// Group opens a group's consumers and makes those that are not there; a new group begins with the oldest event
// that is kept. Workers of one group share its events, so a worker with other types would take events away from
// the others: while they run, that is an error. What takes longer is left to Partition.Open: taking over from the consumers
// of an older version.
func (s *Client) Group(ctx context.Context, settings GroupSettings) (*Group, error) {
	group := &Group{streams: s, settings: settings, types: joinTypes(settings.Types)}
	for _, plan := range group.plans() {
		group.Partitions = append(group.Partitions, &Partition{streams: s, group: group, plan: plan})
	}
	if err := group.check(ctx); err != nil {
		return nil, err
	}
	if err := group.guard(ctx); err != nil {
		return nil, err
	}
	names, err := s.consumerNames(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range group.Partitions {
		p.hasLanes = slices.ContainsFunc(p.plan.lanes, func(lane int) bool {
			return names[p.plan.stream+"/"+wire.LaneName(settings.Name, lane)]
		})
		if p.hasLanes {
			continue
		}
		if _, err := p.Open(ctx); err != nil {
			return nil, err
		}
	}
	return group, nil
}

// consumerNames returns which consumers there are, each with its stream before its name.
func (s *Client) consumerNames(ctx context.Context) (map[string]bool, error) {
	names := map[string]bool{}
	for _, name := range []string{stream.Events, stream.Retries} {
		opened, err := s.core.Stream(ctx, name)
		if err != nil {
			return nil, err
		}
		list := opened.ConsumerNames(ctx)
		for consumer := range list.Name() {
			names[name+"/"+consumer] = true
		}
		if err := list.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
			return nil, fmt.Errorf("list consumers of stream %s: %w", name, err)
		}
	}
	return names, nil
}

// plan is a consumer as it should be.
type plan struct {
	stream, name, description string
	filters                   []string
	// lanes had a consumer each: lanes of events, or parts of what is due.
	lanes []int
}

func (p plan) due() bool { return p.stream == stream.Retries }

func (g *Group) plans() (plans []plan) {
	name := g.settings.Name
	if g.settings.Unordered {
		return []plan{
			{stream: stream.Events, name: name + wire.UnorderedSuffix, filters: []string{"events.>"}, description: "hands all events to group " + name},
			{stream: stream.Retries, name: name + wire.UnorderedSuffix, filters: []string{"due." + name + ".>"}, description: "hands what is due to group " + name},
		}
	}
	for number, lanes := range wire.Partitions(g.streams.lanes) {
		p := plan{stream: stream.Events, name: wire.PartitionName(name, number), lanes: lanes}
		p.description = "hands partition " + strconv.Itoa(number) + " to group " + name
		for _, lane := range lanes {
			p.filters = append(p.filters, wire.EventsOfLane(lane))
		}
		plans = append(plans, p)
	}
	for number, parts := range wire.DuePartitions(g.streams.lanes) {
		p := plan{stream: stream.Retries, name: wire.PartitionName(name, number), lanes: parts}
		p.description = "hands due partition " + strconv.Itoa(number) + " to group " + name
		for _, part := range parts {
			p.filters = append(p.filters, wire.DueSubject(name, part))
		}
		plans = append(plans, p)
	}
	return plans
}

// config returns the consumer of a plan.
func (g *Group) config(p plan) jetstream.ConsumerConfig {
	config := jetstream.ConsumerConfig{
		Durable:       p.name,
		Description:   p.description,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       AckWait,
		MaxAckPending: unorderedAckPending,
		MaxDeliver:    -1,
		Metadata:      map[string]string{wire.MetadataGroup: g.settings.Name, wire.MetadataTypes: g.types},
	}
	if len(p.filters) == 1 {
		config.FilterSubject = p.filters[0]
	} else {
		config.FilterSubjects = p.filters
	}
	if !g.settings.Unordered {
		config.MaxAckPending = ownedAckPending
		config.PriorityPolicy, config.PriorityGroups = jetstream.PriorityPolicyPinned, []string{wire.OwnerGroup}
		config.PinnedTTL = pinTime
	}
	return config
}

func joinTypes(types []string) string {
	if len(types) == 0 {
		return wire.AllTypes
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
	others := []string{g.settings.Name + wire.UnorderedSuffix}
	if g.settings.Unordered {
		others = []string{wire.PartitionName(g.settings.Name, 0), wire.LaneName(g.settings.Name, 0)}
	}
	for _, other := range others {
		info, err := g.streams.consumerInfo(ctx, stream.Events, other)
		if err != nil {
			return err
		}
		if info != nil && info.Config.Metadata[wire.MetadataMoved] == "" {
			return fmt.Errorf("group %q was made with ordered: %t and this worker has %t: choose another group, or remove "+
				"this one with `sluice groups rm %s`; it begins anew then with the oldest event that is kept",
				g.settings.Name, g.settings.Unordered, !g.settings.Unordered, g.settings.Name)
		}
	}
	return nil
}

// checkTypes refuses to join a running group that handles other types.
func (g *Group) checkTypes(ctx context.Context) error {
	for _, name := range []string{g.plans()[0].name, wire.LaneName(g.settings.Name, 0)} {
		info, err := g.streams.consumerInfo(ctx, stream.Events, name)
		if err != nil {
			return err
		}
		if info == nil {
			continue
		}
		present := info.Config.Metadata[wire.MetadataTypes]
		if present == g.types {
			continue
		}
		served := isServed(info)
		if !served {
			if served, err = g.isAlive(ctx); err != nil {
				return err
			}
		}
		if served {
			return fmt.Errorf("group %q is running with types %q and this worker has %q: the workers of a group share its events; "+
				"choose another group, or stop the group's other workers first", g.settings.Name, present, g.types)
		}
	}
	return nil
}

// aliveTime is how long a worker has to answer that is asked whether it is there.
const aliveTime = 500 * time.Millisecond

// isAlive reports whether a worker of the group answers. One that has just begun listens to the others before it asks for
// events.
func (g *Group) isAlive(ctx context.Context) (bool, error) {
	answered := make(chan struct{}, 1)
	stop, err := g.Listen(func(state stream.WorkerState) {
		if state.Leaving {
			return
		}
		select {
		case answered <- struct{}{}:
		default:
		}
	}, func() {})
	if err != nil {
		return false, err
	}
	defer stop()
	if err := g.AskOthers(); err != nil {
		return false, err
	}
	timer := time.NewTimer(aliveTime)
	defer timer.Stop()
	select {
	case <-answered:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, fmt.Errorf("look for workers of group %q: %w", g.settings.Name, ctx.Err())
	}
}

// isServed reports whether somebody asks a consumer for events, or is its owner.
func isServed(info *jetstream.ConsumerInfo) bool {
	return info.NumWaiting > 0 || slices.ContainsFunc(info.PriorityGroups, func(group jetstream.PriorityGroupState) bool {
		return group.PinnedClientID != ""
	})
}

// consumerInfo returns what the server says about a consumer, nil when there is none.
func (s *Client) consumerInfo(ctx context.Context, from, name string) (*jetstream.ConsumerInfo, error) {
	consumer, err := stream.RetryUntilLeader(ctx, s.core, func(ctx context.Context) (jetstream.Consumer, error) {
		return s.js.Consumer(ctx, from, name)
	})
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return nil, nil //nolint:nilnil // That is the answer.
	case err != nil:
		return nil, fmt.Errorf("open consumer %s of stream %s: %w", name, from, err)
	}
	return consumer.CachedInfo(), nil
}

// bornAt returns when the group was made that a consumer belongs to.
func bornAt(info *jetstream.ConsumerInfo) time.Time {
	if born := wire.ReadBorn(info.Config.Metadata); !born.IsZero() {
		return born
	}
	return info.Created
}
