package handler

import (
	"context"
	"log/slog"
)

// IncomingCall tells that somebody is calling the account. It comes when the phone rings, and again when the call
// is answered, refused or over.
type IncomingCall struct {
	// ID is the call's, the same from ringing to its end.
	ID   Text `json:"idMessage"`
	From Text `json:"from"`
	// Status is offer, pickUp, hangUp, declined and others; older notifications have none.
	Status Text `json:"status"`
	// Video and Seconds are in newer notifications only.
	Video   Loose[bool]  `json:"isVideo"`
	Seconds Loose[int64] `json:"duration"`
}

func init() { register("incomingCall", incomingCall) }

func incomingCall(ctx context.Context, event Event[IncomingCall]) error {
	event.Log.LogAttrs(ctx, slog.LevelInfo, "incoming call",
		event.Body.ID.attr("call_id"),
		event.Body.From.attr("chat_id"),
		event.Body.Status.attr("status"),
		event.Body.Video.attr("video"),
		event.Body.Seconds.attr("duration_seconds"),
	)
	return nil
}
