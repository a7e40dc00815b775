package handler

import (
	"context"
	"log/slog"
)

// MessageStatus tells what became of a message of a campaign at app.sms.by.
type MessageStatus struct {
	Channel   Text `json:"channel"`
	MessageID Text `json:"message_id"`
	Status    Text `json:"status"`
}

func init() { Register(builtIn, "sms-by", "messageStatus", messageStatus) }

func messageStatus(ctx context.Context, event Event[MessageStatus]) error {
	event.Log.LogAttrs(ctx, slog.LevelInfo, "status of a message",
		event.Body.Channel.attr("channel"), event.Body.MessageID.attr("id_message"), event.Body.Status.attr("status"))
	return nil
}
