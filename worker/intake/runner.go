package intake

import (
	"context"
	"log/slog"
	"sync"

	"sluice.internal/schemas"
	"sluice.internal/shared/alerting"
	"sluice.internal/shared/metrics"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/worker/isolation"
	"sluice.internal/worker/memory"
)

// Parts are what the intake of a worker is made of. All are needed.
type Parts struct {
	// Streams are where notifications come from, and where events and dead letters go.
	Streams *consume.Client
	// Schemas validate notifications.
	Schemas *schemas.Set
	// Providers know how to read notifications.
	Providers map[string]source.Provider
	// MemoryLimit is what the process may use, in bytes, 0 for as much as there is. Bodies that are read have their part of it.
	MemoryLimit int64
	// Suspects is where the worker looks at what may kill it. It is started before Run and stopped after it.
	Suspects *isolation.Isolation
	// Alerts tells the operator.
	Alerts *alerting.Notifier
	// Counts count what becomes of notifications; nil for not at all.
	Counts *metrics.Intake
	Log    *slog.Logger
}

// Runner makes events of notifications. New makes one.
type Runner struct {
	Parts

	reading *memory.Budget
}

// New makes an intake, which does nothing before Run.
func New(parts Parts) *Runner {
	return &Runner{Parts: parts, reading: memory.New(parts.MemoryLimit, readingShare, maxReading)}
}

// Run takes in all shards, of which others may have some, until stopping ends. A batch that is under way then has until
// finishing ends, which has to outlive stopping. What could not be finished comes again. Run is called once.
func (r *Runner) Run(stopping, finishing context.Context) {
	var group sync.WaitGroup
	for shard := range r.Streams.Shards() {
		group.Go(func() { r.runShard(stopping, finishing, shard) })
	}
	group.Go(func() { r.runSilences(stopping) })
	group.Wait()
}
