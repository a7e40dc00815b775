package gateway

import (
	"log/slog"
	"time"

	"sluice.internal/gateway/budget"
	"sluice.internal/gateway/connections"
	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
)

// How the memory limit of the process is divided. What is not given out is for the program, the connection to NATS, one
// diagnosis and what waits for the garbage collector.
const (
	// bodiesShare is for bodies of requests under way.
	bodiesShare = 0.4
	// rejectionsShare is for bodies of refused requests until they are stored.
	rejectionsShare = 0.1
	// headersShare is for headers that are still coming.
	headersShare = 0.1
	// connectionCost is the part of the limit, in bytes, that there has to be for each connection, and more with TLS. An
	// idle one takes a sixth of it; the rest is for the header and for what serving it takes.
	connectionCost    = 128 << 10
	tlsConnectionCost = 256 << 10
	// headerCost is how much memory a byte of a header may take: a field of three bytes has an entry of a map, a name and a
	// list of values.
	headerCost = 24

	maxBodies      = 4 << 30
	maxRejections  = 256 << 20
	maxHeaders     = 256 << 20
	maxConnections = 64 << 10
)

// bodyGrace is how long a client may take to begin with its body before gateway.min_rate holds.
const bodyGrace = 5 * time.Second

// memoryPlan is what each part of the gateway may take, in bytes, and how many connections there may be.
type memoryPlan struct {
	bodies, rejections, headers int64
	connections                 int
}

// planMemory divides what the process may use.
func planMemory(limit config.Size, tls bool) memoryPlan {
	memory := service.MemoryOf(int64(limit), nil)
	cost := int64(connectionCost)
	if tls {
		cost = tlsConnectionCost
	}
	return memoryPlan{
		bodies:     memory.Part(bodiesShare, maxBodies),
		rejections: memory.Part(rejectionsShare, maxRejections),
		headers:    memory.Part(headersShare, maxHeaders) / headerCost,
		// The other half of the files is for NATS, certificates, and whatever else is in the process.
		connections: min(int(min(memory.Limit/cost, maxConnections)), max(1, connections.MaxOpenFiles()/2)),
	}
}

// newBodies makes the budget for bodies.
func newBodies(settings *Settings, plan memoryPlan) *budget.Budget {
	return budget.New(budget.Settings{
		Size: plan.bodies, MinRate: int64(settings.MinRate), Grace: bodyGrace, MaxTime: settings.ReadTimeout,
	})
}

// limitBodies returns the sources with the limits for their bodies that hold here: not above gateway.body_limit, and not
// above what NATS and the memory have room for. Settings.check has refused limits that somebody chose and NATS can't hold,
// so that only what a provider might send is cut here, with a line in the log.
func limitBodies(settings *Settings, maxStored, maxHeld int64, log *slog.Logger) []*source.Configured {
	limited := make([]*source.Configured, 0, len(settings.Sources))
	for _, from := range settings.Sources {
		one := *from
		one.BodyLimit = min(from.BodyLimit, int64(settings.BodyLimit))
		if holds := min(maxStored, maxHeld); holds < one.BodyLimit {
			remedy := "raise max_payload of NATS"
			if maxHeld < maxStored {
				remedy = "give the process more memory"
			}
			log.Warn("source may send larger bodies than are taken; to take them "+remedy,
				"source", one.Name, "body_limit", one.BodyLimit, "taken", holds)
			one.BodyLimit = holds
		}
		limited = append(limited, &one)
	}
	return limited
}
