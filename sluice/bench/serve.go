package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/bench/loadgen"
	"sluice.internal/sluice/broker"
)

const (
	anyPort   = "127.0.0.1:0"
	hookPath  = "/green-api/webhook/"
	hookToken = "bench"
	storeUser = "bench"
	bodyLimit = 8 << 20

	headerTimeout = 10 * time.Second
)

// runStore runs NATS as `sluice up` does.
func (s spec) runStore(ctx context.Context, out *json.Encoder, log *slog.Logger) error {
	running, err := broker.New(broker.Settings{
		Listen: anyPort, Dir: s.Folder, User: storeUser, Password: s.Access.Password,
		BodyLimit: bodyLimit, Relaxed: !s.Synced,
	}, log)
	if err != nil {
		return err
	}
	return errors.Join(out.Encode(message{Address: running.URL()}), running.Run(ctx))
}

// runGateway runs a gateway as it is.
func runGateway(ctx context.Context, out *json.Encoder, streams *stream.Client, log *slog.Logger) error {
	cfg := config.Default()
	cfg.Gateway.Listen = anyPort
	sources, err := source.Configure(map[string]config.Source{loadgen.SourceName: {Token: config.NewSecret(hookToken)}})
	if err != nil {
		return err
	}
	edge, err := gateway.New(gateway.Settings{Gateway: cfg.Gateway, Sources: sources}, stream.NewPublisher(streams), log)
	if err != nil {
		return err
	}
	return errors.Join(out.Encode(message{Address: "http://" + edge.Address() + hookPath}), edge.Run(ctx))
}

// readOnly reads a body and says that all is well: the most that the HTTP server can do.
func readOnly(c echo.Context) error {
	if _, err := io.Copy(io.Discard, c.Request().Body); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

// publishEach publishes each request by itself, over a connection that all share.
//
//nolint:contextcheck,nolintlint // Callers are told; but a request has a context of its own.
func publishEach(streams *stream.Client) echo.HandlerFunc {
	js := streams.JetStream()
	return func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		receipt, err := loadgen.PublishBare(c.Request().Context(), js, body)
		if err != nil {
			return err
		}
		c.Response().Header().Set(loadgen.HeaderReceipt, strconv.FormatUint(receipt, 10))
		return c.JSON(http.StatusOK, map[string]string{"status": "stored"})
	}
}

// serve runs an echo server with one route and no middleware until the context ends.
func serve(ctx context.Context, out *json.Encoder, handle echo.HandlerFunc) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", anyPort)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	router := echo.New()
	router.POST(hookPath, handle)
	server := &http.Server{
		Handler: router, ReadHeaderTimeout: headerTimeout, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := out.Encode(message{Address: "http://" + listener.Addr().String() + hookPath}); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
