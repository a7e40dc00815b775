package cli

import (
	"context"
	"iter"
	"strconv"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// printUnprocessed lists what waits longest, of the intake and of all groups together. An empty list is a success: what it
// says then goes to standard error.
func printUnprocessed(ctx context.Context, s *session, streams *admin.Client, limit int, asJSON bool) error {
	found, err := streams.Unprocessed(ctx, limit)
	if err != nil {
		return err
	}
	items := make([]unprocessedDocument, 0, len(found))
	for i := range found {
		items = append(items, newUnprocessedDocument(&found[i]))
	}
	return printListing(ctx, s, unprocessed(), term.Form{JSON: asJSON}, allOf(items))
}

// allOf lists what is known already as if it were read step by step.
func allOf[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// unprocessed says how what waits is listed, the oldest first: its age is what one looks for.
func unprocessed() *term.Listing[unprocessedDocument] {
	return &term.Listing[unprocessedDocument]{
		None: "Everything is processed.",
		Columns: []term.Column{
			{Name: "AGE", Right: true},
			{Name: "BACKLOG"},
			{Name: "STATE"},
			{Name: "SEQUENCE", Right: true},
			{Name: "TYPE"},
			{Name: "INSTANCE"},
			{Name: "LANE", Right: true},
			{Name: "KEY"},
			{Name: "DUE"},
		},
		Row: func(d *unprocessedDocument) []string {
			backlog, lane := "group "+d.Group, ""
			if d.Group == "" {
				backlog = intake
			}
			if d.Lane != nil {
				lane = strconv.Itoa(*d.Lane)
			}
			return []string{
				age(d.ReceivedAt, time.Now()), backlog, d.State, decimal(d.Sequence), d.Type, d.Instance, lane,
				d.Key[:min(len(d.Key), shownKey)], term.Time(d.DueAt),
			}
		},
		Document: func(d *unprocessedDocument) any { return d },
	}
}

// unprocessedDocument is a notification that the intake has not taken in, which has no group, or an event that a group
// has not processed.
type unprocessedDocument struct {
	// Sequence is the place in NOTIFICATIONS or EVENTS.
	Sequence uint64 `json:"sequence"`
	Key      string `json:"key,omitempty"`
	Source   string `json:"source,omitempty"`
	Type     string `json:"type,omitempty"`
	Instance string `json:"instance,omitempty"`
	// Lane is nil for a notification, whose chat nobody knows yet.
	Lane  *int   `json:"lane,omitempty"`
	Group string `json:"group,omitempty"`
	// State is one of the constants below. Attempt and DueAt are those of the next try, of what is parked or due.
	State      string    `json:"state"`
	Attempt    int       `json:"attempt,omitempty"`
	DueAt      time.Time `json:"due_at,omitzero"`
	ReceivedAt time.Time `json:"received_at,omitzero"`
	// Since is when it was stored, was parked or became due: since then it is in its state.
	Since time.Time `json:"since"`
}

// The states of what is not processed. Waiting: not handed out yet. Under way: handed out and not acknowledged. Parked: it
// failed and waits for the time of its next attempt. Due: that time has come, and it waits for a worker.
const (
	stateWaiting  = "waiting"
	stateUnderWay = "under way"
	stateParked   = "parked"
	stateDue      = "due"
)

// newUnprocessedDocument takes what an entry has. Exactly one of its three kinds is set.
func newUnprocessedDocument(u *admin.Unprocessed) unprocessedDocument {
	document := unprocessedDocument{Group: u.Group, State: stateWaiting, Since: u.Since.UTC()}
	switch {
	case u.Notification != nil:
		n := u.Notification
		document.Sequence, document.Source, document.Type, document.Instance = n.Sequence, n.Source, n.Type, n.Instance
		document.ReceivedAt = n.ReceivedAt.UTC()
	case u.Retry != nil:
		document.setEvent(&u.Retry.Event)
		document.Attempt, document.DueAt = u.Retry.Attempt, u.Retry.DueAt.UTC()
		if document.State = stateDue; !u.Retry.DueAt.IsZero() {
			document.State = stateParked
		}
	default:
		document.setEvent(u.Event)
	}
	if u.UnderWay {
		document.State = stateUnderWay
	}
	return document
}

// setEvent fills in what an event has, whether it waits for its first try or for another one.
func (d *unprocessedDocument) setEvent(event *notification.Event) {
	lane := event.Lane
	d.Sequence, d.Key, d.Source, d.Type, d.Instance = event.Sequence, event.Key, event.Source, event.Type, event.Instance
	d.Lane, d.ReceivedAt = &lane, event.ReceivedAt.UTC()
}
