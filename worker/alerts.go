package worker

import (
	"context"
	"log/slog"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

// alerter tells the operator: in the log and in the stream of alerts, once per window and subject.
type alerter struct {
	streams *stream.Streams
	log     *slog.Logger
}

// publish stores an alert and logs it when it is the first of its window.
func (a *alerter) publish(ctx context.Context, alert notification.Alert) error {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	first, err := a.streams.PublishAlert(bounded, &alert)
	if err != nil {
		return err
	}
	if first {
		level := slog.LevelWarn
		if alert.Severity == notification.SeverityCritical {
			level = slog.LevelError
		}
		a.log.Log(ctx, level, "alert: "+alert.Title, "severity", alert.Severity, "detail", alert.Detail,
			"source", alert.Source, "type", alert.Type, "instance", alert.Instance)
	}
	return nil
}

// send publishes an alert about what is already kept elsewhere, so that a failure costs no more than the alert.
func (a *alerter) send(ctx context.Context, alert notification.Alert) {
	if err := a.publish(ctx, alert); err != nil {
		a.log.Error("alert not stored", "title", alert.Title, "detail", alert.Detail, "error", err)
	}
}
