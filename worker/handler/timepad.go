package handler

import (
	"context"
	"log/slog"
)

// TimePadOrder tells that the status of an order at TimePad changed. Such notifications come in no order: one that is
// Outdated says what was before.
type TimePadOrder struct {
	ID     Text `json:"id"`
	Status Loose[struct {
		Name Text `json:"name"`
	}] `json:"status"`
}

// TimePadTicket tells that the status of a ticket at TimePad changed.
type TimePadTicket struct {
	ID     Text `json:"id"`
	Status Text `json:"status_raw"`
}

func init() {
	Register(builtIn, "timepad", "order", timePadOrder)
	Register(builtIn, "timepad", "ticket", timePadTicket)
}

func timePadOrder(ctx context.Context, event Event[TimePadOrder]) error {
	event.Log.LogAttrs(ctx, slog.LevelInfo, "order changed", event.Body.ID.attr("order"),
		event.Body.Status.Value.Name.attr("status"), slog.Bool("outdated", event.Outdated))
	return nil
}

func timePadTicket(ctx context.Context, event Event[TimePadTicket]) error {
	event.Log.LogAttrs(ctx, slog.LevelInfo, "ticket changed", event.Body.ID.attr("ticket"),
		event.Body.Status.attr("status"), slog.Bool("outdated", event.Outdated))
	return nil
}
