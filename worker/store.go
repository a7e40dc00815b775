package worker

import (
	"context"
	"time"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
)

const (
	// watchEvery is the time between two looks at the streams, and watchTimeout bounds one.
	watchEvery   = 15 * time.Second
	watchTimeout = 5 * time.Second
)

// watchStore looks at what the streams hold and what groups have not processed until the context ends. What can't be found out
// stays as it was.
func (w *Worker) watchStore(ctx context.Context) {
	for {
		looking, cancel := context.WithTimeout(ctx, watchTimeout)
		w.lookAtStore(looking)
		cancel()
		if service.Sleep(ctx, watchEvery) != nil {
			return
		}
	}
}

func (w *Worker) lookAtStore(ctx context.Context) {
	for _, name := range []string{stream.Notifications, stream.Events, stream.Retries, stream.DeadLetters, stream.Rejections, stream.Alerts} {
		opened, err := w.client.JetStream().Stream(ctx, name)
		if err != nil {
			w.log.Debug("stream not looked at", "stream", name, "error", err)
			continue
		}
		info := opened.CachedInfo()
		w.held.Holds(name, info.State.Msgs, info.State.Bytes, info.Config.MaxBytes)
		if name != stream.Events {
			continue
		}
		consumers, err := stream.ListConsumers(ctx, opened)
		if err != nil {
			w.log.Debug("consumers not looked at", "error", err)
			continue
		}
		groups := map[string]uint64{}
		for group, all := range stream.GroupsOf(consumers) {
			for _, info := range all {
				groups[group] += info.NumPending + uint64(info.NumAckPending) //nolint:gosec // Not negative.
			}
		}
		w.held.Unprocessed(groups)
	}
}
