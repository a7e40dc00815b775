package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

const (
	// rejectionsInterval is the time between two looks at REJECTIONS. Gateways bound how much strangers fill in it.
	rejectionsInterval = 2 * time.Second
	// reservedPart and maxReserved are how much of REJECTIONS is left free for what comes until the next look: one in so many
	// bytes, or one of the largest bodies and some more, but never more than half.
	reservedPart = 8
	maxReserved  = 32 << 20
	// firstCount and lastCount are how often what went is written down of a kind, at first and for long.
	firstCount = time.Minute
	lastCount  = time.Hour
)

// RunRejections keeps REJECTIONS from being full, again and again until the context ends. Where it has
// nearly no capacity left, what has more than its fair share goes, oldest first; see fairShares. What goes is counted: in the
// log, in the stream beside the rejections, and in an alert. All processes may run it at the same time.
func RunRejections(
	ctx context.Context, client *stream.Client, log *slog.Logger, alert func(context.Context, notification.Alert) error,
) {
	r := &rejections{client: client, log: log, alert: alert, health: service.NewCondition("retention of rejections", log)}
	for {
		err := r.pass(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			r.health.Failed(err)
		default:
			r.health.Works()
		}
		if service.Sleep(ctx, rejectionsInterval) != nil {
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), rejectionsInterval)
			defer cancel()
			r.write(last, true)
			return
		}
	}
}

// rejections is one process's round of passes over REJECTIONS. It is used by one goroutine.
type rejections struct {
	client *stream.Client
	log    *slog.Logger
	alert  func(context.Context, notification.Alert) error
	health *service.Condition
	// gone are what went and is not written down yet, by cause and source.
	gone map[told]*tally
}

// told is what is written down by itself: a cause of a source.
type told struct{ cause, source string }

// tally counts what went. Of a kind that goes on and on it is written down ever more rarely.
type tally struct {
	count uint64
	next  time.Time
	pause time.Duration
}

// pass looks once, and frees what is over.
func (r *rejections) pass(ctx context.Context) error {
	opened, err := r.client.JetStream().Stream(ctx, stream.Rejections)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", stream.Rejections, err)
	}
	info := opened.CachedInfo()
	limit := kept(info.Config.MaxBytes)
	if limit > 0 && int64(info.State.Bytes) > limit { //nolint:gosec // No stream has 2^63 bytes.
		// A sixteenth less, so that the next look finds nothing to do.
		if err := r.free(ctx, opened, limit-limit/16); err != nil {
			return err
		}
	}
	r.write(ctx, false)
	return nil
}

// kept returns how much of the stream's capacity, in bytes, may be used when nothing comes.
func kept(capacity int64) int64 {
	return capacity - max(capacity/reservedPart, min(capacity/2, maxReserved))
}

// free takes out what is over the fair shares of a limit in bytes.
func (r *rejections) free(ctx context.Context, opened jetstream.Stream, limit int64) error {
	info, err := opened.Info(ctx, jetstream.WithSubjectFilter("rejected.>"))
	if err != nil {
		return fmt.Errorf("look at the subjects of %s: %w", stream.Rejections, err)
	}
	have, counts := map[wire.RejectionKind]int64{}, map[wire.RejectionKind]uint64{}
	for subject, count := range info.State.Subjects {
		if kind, bytes, ok := wire.ReadRejectionSubject(subject); ok {
			have[kind] += bytes * int64(count) //nolint:gosec // There are fewer than bytes in the stream.
			counts[kind] += count
		}
	}
	// The sizes are known about; together they are what the stream has.
	scale := float64(info.State.Bytes) / float64(max(sum(have), 1))
	for kind := range have {
		have[kind] = int64(float64(have[kind]) * scale)
	}
	var freed uint64
	for kind, allowed := range fairShares(have, limit) {
		stay := uint64(float64(counts[kind]) * float64(allowed) / float64(max(have[kind], 1)))
		purged, err := r.purge(ctx, kind, stay)
		freed += purged
		if err != nil {
			return err
		}
	}
	if freed > 0 {
		r.log.Warn("rejections removed before their time, for lack of capacity", "removed", freed,
			"remedy", "raise streams.rejections.max_bytes, or see in `sluice rejections` who sends them")
		return r.tell(ctx)
	}
	return nil
}

// purge takes out the oldest of a kind until so many are left, and counts them.
func (r *rejections) purge(ctx context.Context, kind wire.RejectionKind, stay uint64) (purged uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	t := &trimming{client: r.client, name: stream.Rejections}
	var answer struct {
		Purged uint64 `json:"purged"`
	}
	request := jetstream.StreamPurgeRequest{Subject: kind.Filter(), Keep: stay}
	if err := t.ask(ctx, "STREAM.PURGE.", request, &answer); err != nil {
		return 0, fmt.Errorf("remove rejections of %s: %w", kind.Filter(), err)
	}
	if answer.Purged == 0 {
		return 0, nil
	}
	if r.gone == nil {
		r.gone = map[told]*tally{}
	}
	of := told{kind.Cause, kind.Source}
	if r.gone[of] == nil {
		r.gone[of] = &tally{}
	}
	r.gone[of].count += answer.Purged
	return answer.Purged, nil
}

// tell alerts the operator; the store folds what is told again.
func (r *rejections) tell(ctx context.Context) error {
	return r.alert(ctx, notification.Alert{
		Severity: notification.SeverityWarning, Title: "rejections are removed before their time",
		Detail: "There is no capacity for all of them. `sluice rejections` says how many went, and who sends most. " +
			"streams.rejections.max_bytes gives them more.",
		At: time.Now(),
	})
}

// write writes down how many went, of each kind that is due, or of all.
func (r *rejections) write(ctx context.Context, all bool) {
	for of, went := range r.gone {
		now := time.Now()
		switch {
		case !all && now.Before(went.next):
			continue
		case went.count == 0: // It is over.
			delete(r.gone, of)
			continue
		}
		source := of.source
		if source == wire.Token("") {
			source = ""
		}
		err := r.client.StoreRejection(ctx, &notification.Rejection{
			Cause: of.cause, Source: source, Skipped: went.count, ReceivedAt: now.UTC(),
			Detail: fmt.Sprintf("%d older ones were removed before their time, because there was no capacity for all", went.count),
		})
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				r.log.Debug("removed rejections not written down, tried again", "error", err)
			}
			continue
		}
		went.count, went.pause = 0, min(max(2*went.pause, firstCount), lastCount)
		went.next = now.Add(went.pause)
	}
}
