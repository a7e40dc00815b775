package handler

import (
	"context"
	"log/slog"
)

// OutgoingMessageStatus tells where a message that the account sent has got to.
type OutgoingMessageStatus struct {
	// ID is the message's, the same for every status of it.
	ID Text `json:"idMessage"`
	// ChatID is missing in an example of the documentation.
	ChatID Text `json:"chatId"`
	// Status is sent, delivered or read, or says that the message was not delivered: see undelivered.
	Status Text `json:"status"`
	// Description is the reason, when the message was not delivered.
	Description Text `json:"description"`
	// ByAPI tells a message sent through the API from one of the phone.
	ByAPI Loose[bool] `json:"sendByApi"`
}

func init() { register("outgoingMessageStatus", outgoingMessageStatus) }

// outgoingMessageStatus warns of messages that did not arrive, and alerts of none: a mailing to dead numbers would
// drown the operator, and a quota or a lost account has an alert of its own.
func outgoingMessageStatus(ctx context.Context, event Event[OutgoingMessageStatus]) error {
	level, what := slog.LevelInfo, "message status"
	if event.Body.undelivered() {
		level, what = slog.LevelWarn, "message is not delivered"
	}
	event.Log.LogAttrs(ctx, level, what,
		event.Body.ID.attr("message_id"),
		event.Body.ChatID.attr("chat_id"),
		event.Body.Status.attr("status"),
		event.Body.Description.attr("description"),
		event.Body.ByAPI.attr("by_api"),
	)
	return nil
}

// undelivered reports whether the message went nowhere: it failed, the number has no account, the account is not in
// the group, or sending is suspended.
func (s OutgoingMessageStatus) undelivered() bool {
	switch s.Status {
	case "failed", "noAccount", "notInGroup", "yellowCard":
		return true
	default:
		return false
	}
}
