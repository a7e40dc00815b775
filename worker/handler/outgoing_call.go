package handler

import (
	"context"
	"log/slog"
)

// OutgoingCall tells that the account called somebody. It is in beta.
type OutgoingCall struct {
	ID Text `json:"idMessage"`
	// ChatID is whom the account called, though the field says from.
	ChatID Text `json:"from"`
	// Status is pickUp, hungUp or invalid.
	Status  Text         `json:"status"`
	Video   Loose[bool]  `json:"isVideo"`
	Seconds Loose[int64] `json:"duration"`
}

func init() { register("outgoingCall", outgoingCall) }

func outgoingCall(ctx context.Context, event Event[OutgoingCall]) error {
	event.Log.LogAttrs(ctx, slog.LevelInfo, "outgoing call",
		event.Body.ID.attr("call_id"),
		event.Body.ChatID.attr("chat_id"),
		event.Body.Status.attr("status"),
		event.Body.Video.attr("video"),
		event.Body.Seconds.attr("duration_seconds"),
	)
	return nil
}
