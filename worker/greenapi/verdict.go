package greenapi

import (
	"time"

	api "sluice.internal/shared/greenapi"
	"sluice.internal/worker/handler"
)

const (
	// personPause is how long to wait where only a person can put it right: another token, a renewed instance.
	personPause = 5 * time.Minute
	// quotaPause is how long to wait where the tariff allows no more. It may be until the next month.
	quotaPause = time.Hour
	// startingPause is how long an instance takes to start, or a little less.
	startingPause = 10 * time.Second
	// ratePause is how long to wait after too many requests where GREEN-API does not say.
	ratePause = time.Second
)

// verdict says what an error means for the event whose handler returns it. Only what GREEN-API refuses for what it says is
// permanent; what a person has to put right is tried again for as long as events are, and the dead letter then says why.
func verdict(failure *api.Error) error {
	switch failure.Reason { //nolint:exhaustive // The others are tried again at the worker's pace.
	case api.Invalid:
		return handler.Permanent(failure)
	case api.Unauthorized, api.NoInstance, api.Inactive:
		return handler.RetryAfter(personPause, failure)
	case api.QuotaExceeded:
		return handler.RetryAfter(max(failure.RetryAfter, quotaPause), failure)
	case api.TooManyRequests:
		return handler.RetryAfter(max(failure.RetryAfter, ratePause), failure)
	case api.Starting:
		return handler.RetryAfter(startingPause, failure)
	}
	if failure.RetryAfter > 0 {
		return handler.RetryAfter(failure.RetryAfter, failure)
	}
	return failure
}
