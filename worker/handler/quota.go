package handler

import (
	"context"
	"fmt"
	"log/slog"

	"sluice.internal/shared/notification"
)

// Quota is a quota of the tariff.
type Quota struct {
	// Method is what there is a quota of: "correspondents", or a method of the API.
	Method Text `json:"method"`
	// Used and Total are numbers in the documentation's examples and strings in its tables.
	Used  Text `json:"used"`
	Total Text `json:"total"`
	// Status is a word such as CORRESPONDENTS_QUOTA_EXCEEDED, Description a sentence.
	Status      Text `json:"status"`
	Description Text `json:"description"`
}

// quotaUsedUp tells the operator of a quota. It is a warning: what is within the quota goes on. The quota's name is
// in the title, so that news of one do not silence news of another.
func quotaUsedUp[T any](ctx context.Context, event Event[T], quota Quota, attrs ...slog.Attr) error {
	event.Log.LogAttrs(ctx, slog.LevelWarn, "quota is used up", append(attrs,
		quota.Method.attr("method"),
		quota.Used.attr("used"),
		quota.Total.attr("total"),
		quota.Status.attr("status"),
		quota.Description.attr("description"),
	)...)
	title := fmt.Sprintf("Quota %q is used up", quota.Method.short())
	return event.Alert(ctx, notification.SeverityWarning, title, quota.detail())
}

func (q Quota) detail() string {
	if q.Description != "" {
		return q.Description.short()
	}
	return fmt.Sprintf("%s of %s used: %s", q.Used.short(), q.Total.short(), q.Status.short())
}
