package handler

import "context"

// OutgoingAPIMessageReceived tells that a message was sent through GREEN-API's methods.
type OutgoingAPIMessageReceived struct{ Message }

func init() { register("outgoingAPIMessageReceived", outgoingAPIMessageReceived) }

func outgoingAPIMessageReceived(ctx context.Context, event Event[OutgoingAPIMessageReceived]) error {
	event.Body.log(ctx, event.Log, "message sent through the API")
	return nil
}
