package handler

import "context"

// OutgoingMessageReceived tells that the account's owner wrote a message on a device of their own: the phone, the
// web or the desktop.
type OutgoingMessageReceived struct{ Message }

func init() { register("outgoingMessageReceived", outgoingMessageReceived) }

func outgoingMessageReceived(ctx context.Context, event Event[OutgoingMessageReceived]) error {
	event.Body.log(ctx, event.Log, "message sent from a device")
	return nil
}
