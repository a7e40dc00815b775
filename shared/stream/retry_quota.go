package stream

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream/internal/wire"
)

const (
	// retryQuotaValid is the shortest time between two looks at how full the stream is. What all workers park between
	// two looks goes beyond its bound.
	retryQuotaValid   = time.Second
	retryQuotaTimeout = 5 * time.Second
)

// retryQuota is how full the stream of retries is. The server can't keep the stream's bound without discarding something.
type retryQuota struct {
	bound int64 // in bytes, -1 for none
	full  bool
}

// CheckRetryQuota returns ErrFull when the stream of retries holds as much as it may.
func (s *Client) CheckRetryQuota(ctx context.Context) error {
	quota, err := s.retryQuota.do(ctx, s.lookAtRetryQuota)
	if err != nil {
		return fmt.Errorf("look at stream %s: %w", Retries, Classify(err))
	}
	if quota.full {
		return fmt.Errorf("%w: stream %s has its %d bytes", ErrFull, Retries, quota.bound)
	}
	return nil
}

func (s *Client) lookAtRetryQuota(ctx context.Context) (retryQuota, error) {
	opened, err := s.js.Stream(ctx, Retries)
	if err != nil {
		return retryQuota{}, err
	}
	info := opened.CachedInfo()
	bound := RetriesQuota(info.Config)
	return retryQuota{bound: bound, full: bound > 0 && info.State.Bytes >= uint64(bound)}, nil
}

// RetriesQuota returns how many bytes the stream of retries may hold, -1 for no bound as the server has it. It is written
// in the stream, so that everybody has the same, also those who know no configuration.
func RetriesQuota(stream jetstream.StreamConfig) int64 {
	if bound, err := strconv.ParseInt(stream.Metadata[wire.MetadataMaxBytes], 10, 64); err == nil && bound > 0 {
		return bound
	}
	return -1 // Whoever manages the streams writes it.
}
