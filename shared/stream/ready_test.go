package stream_test

import (
	"context"
	"errors"
	"testing"

	"sluice.internal/shared/streamtest"
)

func TestClientThatHangsUpChangesNothingAboutReadiness(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t)
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	if err := streams.Ready(gone); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("the client that is gone gets %v", err)
	}
	if err := streams.Ready(t.Context()); err != nil {
		t.Errorf("the next client gets %v, want ready", err)
	}
}
