package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// adminTimeout bounds reading a request, the readiness check, and waiting for requests under way at the stop.
const adminTimeout = 5 * time.Second

// Checks are what the listener for operators serves.
type Checks struct {
	// Address is where it listens, empty for nowhere.
	Address string
	// Ready says why the process can't do its work at the moment, or nil.
	Ready func(context.Context) error
	// Metrics are served at /metrics; nil for none.
	Metrics http.Handler
}

// Admin serves /healthz, /readyz and /metrics on a listener of its own.
type Admin struct {
	listener net.Listener
	server   *http.Server
}

// NewAdmin opens the listener.
func NewAdmin(checks Checks, log *slog.Logger) (*Admin, error) {
	listener, err := Listen(checks.Address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), adminTimeout)
		defer cancel()
		answer(w, checks.Ready(ctx))
	})
	if checks.Metrics != nil {
		mux.Handle("GET /metrics", checks.Metrics)
	}
	return &Admin{listener: listener, server: &http.Server{
		Handler: mux, ReadTimeout: adminTimeout, WriteTimeout: 2 * adminTimeout, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}, nil
}

// Address returns the host and port that it listens on, with the port that was free where the configured one is 0.
func (a *Admin) Address() string { return a.listener.Addr().String() }

// Run serves until the context ends. Requests under way then have adminTimeout to finish.
func (a *Admin) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), adminTimeout)
		defer cancel()
		_ = a.server.Shutdown(bounded) // A health check that hangs is no reason to fail.
	})
	defer stop()
	if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve health checks: %w", err)
	}
	return nil
}

// answer writes the state as JSON: 200, or 503 with the failure for the person who asks.
func answer(w http.ResponseWriter, failure error) {
	status, body := http.StatusOK, map[string]string{"status": "ok"}
	if failure != nil {
		status, body = http.StatusServiceUnavailable, map[string]string{"status": "unavailable", "message": failure.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // The client is gone then.
}

// Listen opens a TCP listener, with an error that says what to do.
func Listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address) //nolint:noctx // Opening a listener does not wait.
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	return listener, nil
}

// RunWithAdmin runs the parts as Run does, together with the health checks where an address is given for these. The health
// checks start first and stop last, so that a process that starts or stops is seen as not ready instead of as gone.
func RunWithAdmin(ctx context.Context, checks Checks, log *slog.Logger, parts ...Part) error {
	if checks.Address == "" {
		return Run(ctx, parts...)
	}
	admin, err := NewAdmin(checks, log)
	if err != nil {
		// The parts have opened what their Run gives back.
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		return errors.Join(fmt.Errorf("start health checks: %w", err), Run(stopped, parts...))
	}
	return Run(ctx, append([]Part{{Name: "health checks", Run: admin.Run}}, parts...)...)
}
