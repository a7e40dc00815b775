package handler

import "context"

// IncomingMessageReceived tells that somebody wrote to the account.
type IncomingMessageReceived struct{ Message }

func init() { register("incomingMessageReceived", incomingMessageReceived) }

func incomingMessageReceived(ctx context.Context, event Event[IncomingMessageReceived]) error {
	event.Body.log(ctx, event.Log, "message received")
	return nil
}
