package broker

import (
	"fmt"
	"log/slog"
	"net"

	"github.com/nats-io/nats-server/v2/server"
)

// spareCapacity is how much, in bytes, streams may ask for that the folder does not have yet: those of a newer program, which
// are small.
const spareCapacity = 1 << 30

// covering returns the options with which a server serves the streams that it has, nil where it does already.
//
// The server lets its streams grow to three quarters of the space that is free or in use by them. Where other programs have
// filled the disk since, the streams may grow to more than that, and it would refuse every change of them, also one that makes
// them smaller.
func covering(running *server.Server, options *server.Options, log *slog.Logger) (*server.Options, error) {
	_, reserved, err := running.JetStreamReservedResources()
	if err != nil {
		return nil, fmt.Errorf("read what streams may grow to: %w", err)
	}
	limit := running.JetStreamConfig().MaxStore
	if reserved == 0 || limit >= reserved+spareCapacity {
		return nil, nil //nolint:nilnil // No options are no fault.
	}
	if reserved > limit {
		log.Warn("streams may grow to more than the disk has space for: make space, or set streams.notifications.max_bytes "+
			"and streams.events.max_bytes to less; should the disk be full before, senders wait until there is space, and nothing is lost",
			"folder", options.StoreDir, "may_grow_to", reserved, "space", limit)
	}
	wanted := options.Clone()
	wanted.JetStreamMaxStore = reserved + spareCapacity
	if address, ok := running.Addr().(*net.TCPAddr); ok {
		wanted.Port = address.Port // The server has made 0 of "any".
	}
	return wanted, nil
}
