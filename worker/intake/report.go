package intake

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"sluice.internal/shared/metrics"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

// report logs what became of a notification, and alerts the operator where a person should look. It waits for nothing:
// what it says is already kept elsewhere.
func (s *shardIntake) report(ctx context.Context, o *outcome) {
	s.Counts.Became(o.event.Source, o.what(), o.newType, len(o.event.Faults) > 0)
	if o.deadLetter == nil && !o.newType && len(o.event.Faults) == 0 && !s.Log.Enabled(ctx, slog.LevelDebug) {
		return // Nearly all of them.
	}
	log := s.Log.With("source", o.event.Source, "type", o.event.Type, "instance", o.event.Instance,
		"received_at", o.event.ReceivedAt, "notification", o.event.NotificationSequence)
	switch {
	case o.deadLetter != nil:
		s.reportDead(log, o)
	case o.stored.Duplicate:
		log.Debug("notification came before", "key", o.event.Key)
	case len(o.event.Faults) > 0:
		s.reportDrift(ctx, log, o)
	case o.newType:
		s.reportNewType(ctx, log, o)
	default:
		log.Debug("notification accepted", "key", o.event.Key, "event", o.stored.Sequence, "lane", o.event.Lane)
	}
}

// what is the outcome as metrics name it.
func (o *outcome) what() string {
	switch {
	case o.deadLetter != nil:
		return metrics.OutcomeInvalid
	case o.stored.Duplicate:
		return metrics.OutcomeDuplicate
	default:
		return metrics.OutcomeEvent
	}
}

// maxDriftAlerts is of how many faults of one notification the operator is told.
const maxDriftAlerts = 10

// reportDrift logs an event that differs from its schema, and alerts the operator of each kind of fault once per window:
// GREEN-API's recommendation is ERROR, since either the sender changed or the schema is wrong. The event itself goes on.
func (s *shardIntake) reportDrift(ctx context.Context, log *slog.Logger, o *outcome) {
	faults := o.event.Faults
	log.Error("notification differs from its schema, accepted with its faults", "error", summary(faults),
		"faults", faults[:min(len(faults), maxSummary)], "key", o.event.Key, "event", o.stored.Sequence)
	detail := fmt.Sprintf("Event %d, which goes to its handler all the same, is the first. "+
		"`sluice events show %d` has its faults; if the sender is right, mend the schema.", o.stored.Sequence, o.stored.Sequence)
	for _, fault := range faults[:min(len(faults), maxDriftAlerts)] {
		alert := o.alert(notification.SeverityWarning, "drift: "+kindOfFault(fault), detail)
		alert.Instance = "" // Whichever account it is, the sender changed.
		s.Alerts.Notify(alert)
	}
	if o.newType {
		s.reportNewType(ctx, log, o)
	}
}

var (
	indexInPointer = regexp.MustCompile(`/[0-9]+\b`)
	valueInMessage = regexp.MustCompile(`'[^']*'| but (found|got) .*`)
)

// kindOfFault says what is wrong without what differs from one body to the next: places in arrays, and values, which may
// be what people wrote.
func kindOfFault(fault notification.Fault) string {
	return sentence(notification.Fault{
		Pointer: indexInPointer.ReplaceAllString(fault.Pointer, "/*"),
		Message: valueInMessage.ReplaceAllString(fault.Message, ""),
	})
}

// reportNewType warns of a type without a schema, once per type and window: each of its notifications has an event, so
// that a line for each would say nothing new.
func (s *shardIntake) reportNewType(ctx context.Context, log *slog.Logger, o *outcome) {
	alert := o.alert(notification.SeverityWarning, "new type of notification",
		"There is no schema for it, so it was accepted as it is.")
	alert.Instance = "" // Whoever sends it first, it is the same type.
	level := slog.LevelDebug
	if s.Alerts.Notify(alert) {
		level = slog.LevelWarn
	}
	log.Log(ctx, level, "notification of a new type accepted", "key", o.event.Key, "event", o.stored.Sequence)
}

// reportDead logs a notification that became no event, and alerts the operator.
func (s *shardIntake) reportDead(log *slog.Logger, o *outcome) {
	d := o.deadLetter
	message, title, detail := "notification is invalid, kept as a dead letter", "invalid notification", d.Error
	if d.Reason == notification.ReasonUnstorable {
		message, title = "notification can't be stored as an event, kept as a dead letter", "notification can't be stored"
	}
	if d.Reason == notification.ReasonPoison {
		message, title = "notification ends the workers that read it, kept as a dead letter unread", "notification kills workers"
	}
	attributes := []any{"error", d.Error, "faults", d.Faults[:min(len(d.Faults), maxSummary)]}
	if d.BodyOmitted() {
		attributes = append(attributes, "body_size", d.BodySize, "body_sha256", d.BodySHA256)
	}
	if o.unkept != nil {
		message, title = "notification passed over: neither an event nor a dead letter of it can be stored", "notification passed over"
		attributes = append(attributes, "dead_letter_error", o.unkept)
		detail = fmt.Sprintf("Notification %d is in stream %s as long as that keeps it. %s",
			o.event.NotificationSequence, stream.Notifications, detail)
	}
	log.Error(message, attributes...)
	s.Alerts.Notify(o.alert(notification.SeverityCritical, title, detail))
}

// alert is one about the notification. Those about the same type and instance are told as one.
func (o *outcome) alert(severity, title, detail string) notification.Alert {
	return notification.Alert{
		Severity: severity, Title: title, Detail: detail, At: time.Now(),
		Source: o.event.Source, Type: stream.Label(o.event.Type), Instance: stream.Label(o.event.Instance),
	}
}
