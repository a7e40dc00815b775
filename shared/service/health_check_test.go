package service_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
)

func TestHealthcheckReportsWhetherTheRunningOneIsReady(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	ready := func(context.Context) error {
		if broken.Load() {
			return errors.New("the store does not answer")
		}
		return nil
	}
	admin, err := service.NewAdmin(service.Checks{Address: "127.0.0.1:0", Ready: ready}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- admin.Run(ctx) }()
	check := func(listen string) (code int, said string) {
		var out bytes.Buffer
		code = service.Command{Name: "worker", Options: config.Options{WithoutTokens: true}}.Main(service.Process{
			Args: []string{"--healthcheck"}, Environ: []string{"SLUICE_ADMIN_LISTEN=" + listen}, Stdout: &out, Stderr: &out,
		})
		return code, out.String()
	}
	if code, said := check(admin.Address()); code != service.ExitOK || said != "ready\n" {
		t.Errorf("exit code %d, said %q", code, said)
	}
	_, port, _ := strings.Cut(admin.Address(), ":")
	if code, said := check("0.0.0.0:" + port); code != service.ExitOK {
		t.Errorf("asked at every address: exit code %d, said %q", code, said)
	}
	broken.Store(true)
	if code, said := check(admin.Address()); code != service.ExitFailed || !strings.Contains(said, "503: the store does not answer") {
		t.Errorf("exit code %d, said %q", code, said)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if code, said := check(admin.Address()); code != service.ExitFailed || !strings.Contains(said, "refused") {
		t.Errorf("nobody runs: exit code %d, said %q", code, said)
	}
	if code, said := check(""); code != service.ExitFailed || !strings.Contains(said, "admin.listen") {
		t.Errorf("nowhere to ask: exit code %d, said %q", code, said)
	}
}
