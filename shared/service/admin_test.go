package service_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"sluice.internal/shared/service"
)

func TestPartsRunWithHealthChecksWhereThereIsAnAddress(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	ready := func(context.Context) error { return nil }
	// An address of its own: the one that the listener before gave back.
	listener, err := service.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	closed := false
	opened := service.Part{Name: "opened", Run: func(ctx context.Context) error {
		<-ctx.Done()
		closed = true
		return nil
	}}
	busy := service.RunWithAdmin(t.Context(), service.Checks{Address: address, Ready: ready}, log, opened)
	if busy == nil || !strings.Contains(busy.Error(), "start health checks: listen on") {
		t.Errorf("with an address in use the error is %v", busy)
	}
	if !closed {
		t.Error("what a part has opened stays open")
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	asks := service.Part{Name: "asks", Run: func(ctx context.Context) error { return service.AskReady(ctx, address) }}
	if err := service.RunWithAdmin(t.Context(), service.Checks{Address: address, Ready: ready}, log, asks); err != nil {
		t.Errorf("the process is not ready: %v", err)
	}
	if err := service.RunWithAdmin(t.Context(), service.Checks{Address: "", Ready: ready}, log, asks); err == nil {
		t.Error("without an address somebody answers")
	}
}

func TestHealthChecksNeedAnAddressThatCanBeAsked(t *testing.T) {
	t.Parallel()
	if err := service.AskReady(t.Context(), "no-port"); err == nil || !strings.Contains(err.Error(), "admin.listen") {
		t.Errorf("error %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := service.AskReady(ended, "127.0.0.1:1"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
