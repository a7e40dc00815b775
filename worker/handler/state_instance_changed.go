package handler

import (
	"context"
	"log/slog"

	"sluice.internal/shared/notification"
)

// StateInstanceChanged tells that the account was authorized, lost its authorization, was blocked and so on.
type StateInstanceChanged struct {
	// State differs between messengers, and states have been renamed.
	State Text `json:"stateInstance"`
}

func init() { register("stateInstanceChanged", stateInstanceChanged) }

func stateInstanceChanged(ctx context.Context, event Event[StateInstanceChanged]) error {
	trouble, troubled := stateTrouble(event.Body.State)
	if !troubled {
		event.Log.InfoContext(ctx, "state of the account changed", "state", event.Body.State)
		return nil
	}
	event.Log.LogAttrs(ctx, slog.LevelWarn, "account is in trouble", event.Body.State.attr("state"))
	return event.Alert(ctx, trouble.severity, trouble.title, trouble.detail)
}

type trouble struct{ severity, title, detail string }

// stateTrouble says what is wrong with an account in the state, and what to do. Without authorization or blocked it
// neither sends nor receives until somebody acts, which is critical. Suspended, it receives and may send in part,
// and GREEN-API keeps for 24 hours what it can't send, which is a warning.
// Source: https://green-api.com/en/docs/api/recommendations/instance-status-tracking/
func stateTrouble(state Text) (trouble, bool) {
	switch state {
	case "notAuthorized":
		return trouble{
			notification.SeverityCritical, "Account is not authorized",
			"It neither sends nor receives until it is linked again. Messages to send are kept for 24 hours.",
		}, true
	case "blocked":
		return trouble{
			notification.SeverityCritical, "Account is blocked",
			"It neither sends nor receives until the messenger lifts the block. Messages to send are kept for 24 hours.",
		}, true
	case "suspended":
		return trouble{
			notification.SeverityWarning, "Account is suspended",
			"The messenger restricts what it may send. Messages to send are kept for 24 hours.",
		}, true
	case "yellowCard":
		return trouble{
			notification.SeverityWarning, "Account got a yellow card",
			"The messenger suspects spam and restricts what it may send. Messages to send are kept for 24 hours; " +
				"the instance needs a reboot to go on.",
		}, true
	default:
		return trouble{}, false
	}
}
