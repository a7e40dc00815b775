package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"sluice.internal/shared/stream"
)

type groupsCommand struct {
	Ls groupsListCommand   `cmd:"" default:"withargs" help:"List groups; what \"sluice groups\" does by itself."`
	Rm groupsRemoveCommand `cmd:"" help:"Remove a group that nobody needs."`
}

func (groupsCommand) Help() string {
	return `A group is a set of handlers that gets every event once. It stays when its workers end, and events stay for ` +
		`it: one that nobody needs is to be removed. "sluice groups" has the flags of "sluice groups ls".

Example:

    sluice groups`
}

type groupsListCommand struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
	reach
}

func (groupsListCommand) Help() string {
	return `Events since HOLDS SINCE stay stored, because the group has not processed them.

Example:

    sluice groups ls --json`
}

// Run lists groups.
func (c *groupsListCommand) Run(ctx context.Context, s *session) error {
	return c.look(ctx, s, func(streams *stream.Streams) error {
		status, err := inspect(ctx, streams)
		if err != nil {
			return err
		}
		return groups().print(ctx, s, window{JSON: c.JSON}, allOf(status.Groups))
	})
}

func groups() *listing[stream.Backlog] {
	return &listing[stream.Backlog]{
		none: "No groups.",
		columns: []column{
			{name: "GROUP"},
			{name: "ORDERED"},
			{name: "TYPES"},
			{name: "WORKERS", right: true},
			{name: "WAITING", right: true},
			{name: "UNDER WAY", right: true},
			{name: "PARKED", right: true},
			{name: "DUE", right: true},
			{name: "DEAD", right: true},
			{name: "HOLDS SINCE"},
		},
		row: func(group *stream.Backlog) []string {
			ordered, types := "yes", "all"
			if group.Unordered {
				ordered = "no"
			}
			if len(group.Types) > 0 {
				types = strings.Join(group.Types, ",")
			}
			return []string{
				group.Name, ordered, types, strconv.Itoa(group.Workers), decimal(group.Waiting), decimal(group.UnderWay),
				decimal(group.Parked), decimal(group.Due), decimal(group.Dead), when(group.Holds),
			}
		},
		document: func(group *stream.Backlog) any { return newListedGroupDocument(group) },
	}
}

type listedGroupDocument struct {
	Group      string    `json:"group"`
	Ordered    bool      `json:"ordered"`
	Types      []string  `json:"types,omitempty"`
	Workers    int       `json:"workers"`
	Waiting    uint64    `json:"waiting"`
	UnderWay   uint64    `json:"under_way"`
	Parked     uint64    `json:"parked"`
	Due        uint64    `json:"due"`
	Dead       uint64    `json:"dead"`
	OldestAt   time.Time `json:"oldest_at,omitzero"`
	HoldsSince time.Time `json:"holds_since,omitzero"`
	Incomplete bool      `json:"incomplete,omitempty"`
}

func newListedGroupDocument(group *stream.Backlog) listedGroupDocument {
	return listedGroupDocument{
		Group: group.Name, Ordered: !group.Unordered, Types: group.Types, Workers: group.Workers,
		Waiting: group.Waiting, UnderWay: group.UnderWay, Parked: group.Parked, Due: group.Due, Dead: group.Dead,
		OldestAt: group.Oldest.UTC(), HoldsSince: group.Holds.UTC(), Incomplete: group.Incomplete,
	}
}
