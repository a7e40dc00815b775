package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	// DefaultKeepKeys is how long the key of a handled event is kept. An event can come again for 61 days with Sluice's
	// defaults: replayed for as long as it is stored (streams.events.max_age, 30 days), then tried for a day
	// (worker.retry_for), then a dead letter (streams.dead_letters.keep, 30 days).
	DefaultKeepKeys = 90 * 24 * time.Hour
	// MinKeepKeys is twice the time in which an event whose commit had an unknown outcome is tried again by itself. Less than
	// that is a mistake.
	MinKeepKeys = 48 * time.Hour

	// keepMessages is how long a message is kept that was sent, without its body, or given up.
	keepMessages = 30 * 24 * time.Hour
	// sweepBatch is how many rows are removed in one transaction, so that none is long.
	sweepBatch = 1000
	// sweepEvery is how long it is from one sweep to the next.
	sweepEvery = time.Hour
)

// Rows that somebody else removes just now are left to them.
const (
	sweepInbox = `delete from sluice_inbox where ctid = any (array(select ctid from sluice_inbox
		where handled_at < now() - make_interval(secs => $1) order by handled_at limit $2 for update skip locked))`
	sweepOutbox = `delete from sluice_outbox where ctid = any (array(select ctid from sluice_outbox
		where done_at < now() - make_interval(secs => $1) order by done_at limit $2 for update skip locked))`
)

// Sweep removes keys of events that were handled longer than keep ago, and messages of the outbox that were sent or given up 30
// days ago, in short transactions. An event that comes again after that has its effect again. Keep has to be longer than an
// event can come again: see [DefaultKeepKeys]; below [MinKeepKeys] it is an error. Several may sweep at once. What was removed
// before an error stays so.
func Sweep(ctx context.Context, db Executor, keep time.Duration) (removed int64, err error) {
	if keep < MinKeepKeys {
		return 0, fmt.Errorf("sweep keys of events: they are to be kept for %s, want %s at least", keep, MinKeepKeys)
	}
	for _, table := range []struct {
		statement string
		keep      time.Duration
	}{{sweepInbox, keep}, {sweepOutbox, keepMessages}} {
		for last := int64(sweepBatch); last == sweepBatch; {
			tag, err := db.Exec(ctx, table.statement, table.keep.Seconds(), sweepBatch)
			if err != nil {
				return removed, newSettings(nil).failed("sweep the tables of Sluice", err)
			}
			last = tag.RowsAffected()
			removed += last
		}
	}
	return removed, nil
}

// sweepOn sweeps every hour until the context ends. Workers that start together sweep at different times.
func sweepOn(ctx context.Context, db Executor, keep time.Duration, log *slog.Logger) {
	timer := time.NewTimer(rand.N(sweepEvery)) //nolint:gosec // Nobody is kept from guessing it.
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		removed, err := Sweep(ctx, db, keep)
		switch {
		case err != nil && ctx.Err() == nil:
			log.Warn("keys of handled events are not swept, they stay until the next time", "error", err, "next_in", sweepEvery)
		case removed > 0:
			log.Debug("swept keys of handled events", "removed", removed)
		}
		timer.Reset(sweepEvery)
	}
}
