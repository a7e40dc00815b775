package handler

import "context"

// QuotaExceeded tells that the tariff allows no more of something.
type QuotaExceeded struct {
	Quota Loose[Quota] `json:"quotaData"`
}

func init() { register("quotaExceeded", quotaExceeded) }

func quotaExceeded(ctx context.Context, event Event[QuotaExceeded]) error {
	return quotaUsedUp(ctx, event, event.Body.Quota.Value)
}
