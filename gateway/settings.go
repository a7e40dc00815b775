package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"sluice.internal/shared/config"
	"sluice.internal/shared/metrics"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
)

// Settings are the gateway's part of a checked configuration, and what the process gives it. Programs and tests take
// them from [config.Load] or [config.Default], which have all defaults.
type Settings struct {
	config.Gateway

	// MemoryLimit is what the whole process may use, in bytes, as a start of a service finds it out. 0 leaves it to the
	// gateway to find out. Bodies, rejections and connections have their parts of it.
	MemoryLimit config.Size
	// AdminServed says that health and readiness are served elsewhere, so that they are not at the senders' address.
	AdminServed bool
	// Sources are who may send, as [source.Configure] makes them. There must be one at least.
	Sources []*source.Configured
	// Ready tells why the gateway can't take notifications, nil when it can; /readyz asks it. Without it the
	// gateway is ready until it shuts down.
	Ready func(ctx context.Context) error
	// Metrics counts requests; nil for not at all.
	Metrics *metrics.Set
	// Beside serves paths that are no source's, those that IsBeside is true for. Without it there are none.
	Beside   http.Handler
	IsBeside func(path string) bool
	// Alert tells the operator and does not block. Without it there is only the log.
	Alert func(alert notification.Alert)
}

const (
	pathHealth = "/healthz"
	pathReady  = "/readyz"
)

// check finds what would go wrong at run time and what loading a configuration can't know. All faults are in the error.
func (s Settings) check(maxBody int64) error {
	var faults []error
	for _, from := range s.Sources {
		// What a provider sends at most is cut to what NATS takes; what somebody chose must hold.
		limit := min(from.BodyLimit, int64(s.BodyLimit))
		if limit > maxBody && (from.BodyLimitAsked || limit < from.BodyLimit) {
			faults = append(faults, fmt.Errorf("the body limit of source %q is %d bytes, and NATS takes bodies of %d: "+
				"raise max_payload of NATS to at least %d or lower sources.%s.body_limit or gateway.body_limit",
				from.Name, limit, maxBody, limit+stream.HeaderReserve, from.Name))
		}
	}
	if len(s.Sources) == 0 {
		faults = append(faults, errors.New("there is no source"))
	}
	return errors.Join(append(faults, s.checkSources()...)...)
}

// checkSources finds sources that the router or the recorder of rejections could not tell apart.
func (s Settings) checkSources() []error {
	var faults []error
	names := map[string]bool{}
	paths := map[string]string{pathHealth: "the health check", pathReady: "the readiness check"}
	for _, from := range s.Sources {
		if names[from.Name] {
			faults = append(faults, fmt.Errorf("source %q: there are two of that name", from.Name))
		}
		if other, taken := paths[from.Path]; taken {
			faults = append(faults, fmt.Errorf("source %q: path %q is taken by %s", from.Name, from.Path+"/", other))
		}
		names[from.Name], paths[from.Path] = true, fmt.Sprintf("source %q", from.Name)
	}
	return faults
}
