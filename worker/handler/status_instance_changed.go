package handler

import "context"

// StatusInstanceChanged tells that the account's phone went online or offline. GREEN-API calls it deprecated and
// out of order.
type StatusInstanceChanged struct {
	Status Text `json:"statusInstance"`
}

func init() { register("statusInstanceChanged", statusInstanceChanged) }

func statusInstanceChanged(ctx context.Context, event Event[StatusInstanceChanged]) error {
	event.Log.InfoContext(ctx, "connection of the account changed", "status", event.Body.Status)
	return nil
}
