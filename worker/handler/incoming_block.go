package handler

import (
	"context"
	"log/slog"
)

// IncomingBlock tells that a contact blocked the account. GREEN-API calls it out of order, and one page of its
// documentation shows a used-up quota under this name.
type IncomingBlock struct {
	// ChatID is a number in the documentation's table and a string in its example.
	ChatID Text         `json:"chatId"`
	State  Text         `json:"chatState"`
	Quota  Loose[Quota] `json:"quotaData"`
}

func init() { register("incomingBlock", incomingBlock) }

func incomingBlock(ctx context.Context, event Event[IncomingBlock]) error {
	attrs := []slog.Attr{event.Body.ChatID.attr("chat_id"), event.Body.State.attr("chat_state")}
	if event.Body.Quota.OK {
		return quotaUsedUp(ctx, event, event.Body.Quota.Value, attrs...)
	}
	event.Log.LogAttrs(ctx, slog.LevelInfo, "block by a contact", attrs...)
	return nil
}
