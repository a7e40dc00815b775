package cli

import (
	"context"
	"iter"
	"strconv"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

// printUnprocessed lists what waits longest.
func printUnprocessed(ctx context.Context, s *session, streams *stream.Streams, limit int, asJSON bool) error {
	found, err := streams.Unprocessed(ctx, limit)
	if err != nil {
		return err
	}
	items := make([]unprocessedDocument, 0, len(found))
	for i := range found {
		items = append(items, newUnprocessedDocument(&found[i]))
	}
	return unprocessed().print(ctx, s, window{JSON: asJSON}, allOf(items))
}

// allOf makes a list what is read step by step elsewhere.
func allOf[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func unprocessed() *listing[unprocessedDocument] {
	return &listing[unprocessedDocument]{
		none: "Everything is processed.",
		columns: []column{
			{name: "AGE", right: true},
			{name: "BACKLOG"},
			{name: "STATE"},
			{name: "SEQUENCE", right: true},
			{name: "TYPE"},
			{name: "INSTANCE"},
			{name: "LANE", right: true},
			{name: "KEY"},
			{name: "DUE"},
		},
		row: func(d *unprocessedDocument) []string {
			backlog, lane := "group "+d.Group, ""
			if d.Group == "" {
				backlog = intake
			}
			if d.Lane != nil {
				lane = strconv.Itoa(*d.Lane)
			}
			return []string{
				age(d.ReceivedAt, time.Now()), backlog, d.State, decimal(d.Sequence), d.Type, d.Instance, lane,
				d.Key[:min(len(d.Key), shownKey)], when(d.DueAt),
			}
		},
		document: func(d *unprocessedDocument) any { return d },
	}
}

// unprocessedDocument is a notification without a group, or an event for one.
type unprocessedDocument struct {
	Sequence   uint64    `json:"sequence"`
	Key        string    `json:"key,omitempty"`
	Source     string    `json:"source,omitempty"`
	Type       string    `json:"type,omitempty"`
	Instance   string    `json:"instance,omitempty"`
	Lane       *int      `json:"lane,omitempty"`
	Group      string    `json:"group,omitempty"`
	State      string    `json:"state"`
	Attempt    int       `json:"attempt,omitempty"`
	DueAt      time.Time `json:"due_at,omitzero"`
	ReceivedAt time.Time `json:"received_at,omitzero"`
	Since      time.Time `json:"since"`
}

// What an unprocessed thing can be.
const (
	stateWaiting  = "waiting"
	stateUnderWay = "under way"
	stateParked   = "parked"
	stateDue      = "due"
)

func newUnprocessedDocument(u *stream.Unprocessed) unprocessedDocument {
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

func (d *unprocessedDocument) setEvent(event *notification.Event) {
	lane := event.Lane
	d.Sequence, d.Key, d.Source, d.Type, d.Instance = event.Sequence, event.Key, event.Source, event.Type, event.Instance
	d.Lane, d.ReceivedAt = &lane, event.ReceivedAt.UTC()
}
