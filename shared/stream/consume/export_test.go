package consume

import "sluice.internal/shared/stream/internal/groupcommit"

// BatchingEvents makes events go in batches whenever there are four.
func (s *Client) BatchingEvents() { s.events = groupcommit.Fixed(4) }

// Pin is what the server knows the intake by while it has the shard.
func (in *Intake) Pin() string { return in.pin }
