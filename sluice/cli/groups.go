package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// groupsCommand is `sluice groups`. Groups come into being with their workers; this lists and removes them.
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

// groupsListCommand is `sluice groups ls`.
type groupsListCommand struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
	connectFlags
}

func (groupsListCommand) Help() string {
	return `Events since HOLDS SINCE stay stored, because the group has not processed them. Bots, which hold nothing back, follow in a ` +
		`table of their own; with --json, ` + "`sluice bots --json`" + ` lists them.

Example:

    sluice groups ls --json`
}

// Run lists groups.
func (c *groupsListCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		status, err := inspect(ctx, streams)
		if err != nil {
			return err
		}
		if err := printListing(ctx, s, groups(), term.Form{JSON: c.JSON}, allOf(status.Groups)); err != nil || c.JSON {
			return err
		}
		found := state{Status: status}
		if found.bots, err = streams.Bots(ctx); err != nil {
			return err
		}
		found.botsTable(s.out)
		return nil
	})
}

// groups says how groups are listed.
func groups() *term.Listing[admin.Backlog] {
	return &term.Listing[admin.Backlog]{
		None: "No groups.",
		Columns: []term.Column{
			{Name: "GROUP"},
			{Name: "ORDERED"},
			{Name: "TYPES"},
			{Name: "WORKERS", Right: true},
			{Name: "WAITING", Right: true},
			{Name: "UNDER WAY", Right: true},
			{Name: "PARKED", Right: true},
			{Name: "DUE", Right: true},
			{Name: "DEAD", Right: true},
			{Name: "HOLDS SINCE"},
		},
		Row: func(group *admin.Backlog) []string {
			ordered, types := "yes", "all"
			if group.Unordered {
				ordered = "no"
			}
			if len(group.Types) > 0 {
				types = strings.Join(group.Types, ",")
			}
			return []string{
				group.Name, ordered, types, strconv.Itoa(group.Workers), decimal(group.Waiting), decimal(group.UnderWay),
				decimal(group.Parked), decimal(group.Due), decimal(group.Dead), term.Time(group.Holds),
			}
		},
		Document: func(group *admin.Backlog) any { return newListedGroupDocument(group) },
	}
}

// listedGroupDocument is a group as --json prints it.
type listedGroupDocument struct {
	Group string `json:"group"`
	// Ordered says that events of one chat are handled one after the other. Types are those it gets, none for all.
	Ordered bool     `json:"ordered"`
	Types   []string `json:"types,omitempty"`
	// Workers counts those that ask for more at this moment. One that is busy asks for nothing.
	Workers int `json:"workers"`
	// Waiting were not handed out, UnderWay were and are not acknowledged.
	Waiting  uint64 `json:"waiting"`
	UnderWay uint64 `json:"under_way"`
	// Parked failed and wait for the time of their next attempt; Due are past that time and wait for a worker.
	Parked uint64 `json:"parked"`
	Due    uint64 `json:"due"`
	// Aside are chats of which more waits than a worker holds. Waiting counts what is aside of them too.
	Aside []asideDocument `json:"aside,omitempty"`
	// Dead counts the dead letters that the group left.
	Dead uint64 `json:"dead"`
	// OldestAt is the time of the oldest that waits or is under way. Events since HoldsSince stay in the stream for the
	// group's sake.
	OldestAt   time.Time `json:"oldest_at,omitzero"`
	HoldsSince time.Time `json:"holds_since,omitzero"`
	// Incomplete says that consumers are missing, so that nothing can be trimmed until a worker makes them anew.
	Incomplete bool `json:"incomplete,omitempty"`
}

func newListedGroupDocument(group *admin.Backlog) listedGroupDocument {
	return listedGroupDocument{
		Group: group.Name, Ordered: !group.Unordered, Types: group.Types, Workers: group.Workers,
		Waiting: group.Waiting, UnderWay: group.UnderWay, Parked: group.Parked, Due: group.Due, Dead: group.Dead,
		Aside:    newAsideDocuments(group.Aside),
		OldestAt: group.Oldest.UTC(), HoldsSince: group.Holds.UTC(), Incomplete: group.Incomplete,
	}
}
