package worker

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/worker/handler"
)

// configured is the configuration of a file with that text.
func configured(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{File: path, WithoutTokens: true})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// shop is a registry with one type.
func shop(context.Context, *Env) (*handler.Registry, error) {
	registry := handler.New()
	handler.Register(registry, "shop", "order", func(context.Context, handler.Event[struct{}]) error { return nil })
	return registry, nil
}

func TestProgramHasTheHandlersThatItsSetupMakes(t *testing.T) {
	t.Parallel()
	cfg := configured(t, "settings: {orders: {fee: 2}}")
	var fee struct {
		Fee int `yaml:"fee"`
	}
	parts, stop, err := Prepare(t.Context(), cfg, func(ctx context.Context, env *Env) (*handler.Registry, error) {
		if err := env.Config("orders", &fee); err != nil {
			return nil, err
		}
		return shop(ctx, env)
	}, nil, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if !slices.Equal(parts.Handlers.Types(), []string{"order"}) || fee.Fee != 2 {
		t.Errorf("types %v, settings %+v", parts.Handlers.Types(), fee)
	}
}

func TestProgramWithoutSetupHasTheBuiltInHandlers(t *testing.T) {
	t.Parallel()
	parts, stop, err := Prepare(t.Context(), configured(t, ""), nil, nil, quiet())
	if err != nil || !slices.Equal(parts.Handlers.Types(), handler.BuiltIn().Types()) {
		t.Fatalf("parts %+v, error %v", parts, err)
	}
	stop()
}

func TestProgramDoesNotStartWithWhatItCanNotUse(t *testing.T) {
	t.Parallel()
	failing := func(context.Context, *Env) (*handler.Registry, error) {
		return nil, errors.New("no database at 10.0.0.1")
	}
	nothing := func(context.Context, *Env) (*handler.Registry, error) { return nil, nil } //nolint:nilnil // That is what is tried.
	for name, c := range map[string]struct {
		text  string
		setup Setup
		want  string
	}{
		"setup fails":                {"", failing, "set up the handlers: no database at 10.0.0.1"},
		"no registry":                {"", nothing, "return handler.BuiltIn()"},
		"a type without handler":     {"worker: {types: [ordr]}", shop, `no handler for ["ordr"], there are handlers for order`},
		"settings that nobody reads": {"settings: {ordrs: {fee: 2}}", shop, "settings.ordrs: no handler of this program reads it"},
		"settings of no handler":     {"settings: {orders: {fee: 2}}", nil, "settings.orders: no handler of this program reads it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := Prepare(t.Context(), configured(t, c.text), c.setup, nil, quiet()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestWorkerThatOnlyTakesInMakesNoHandlers(t *testing.T) {
	t.Parallel()
	_, stop, err := Prepare(t.Context(), configured(t, "worker: {handlers: false}\nsettings: {orders: {fee: 2}}"),
		func(context.Context, *Env) (*handler.Registry, error) {
			t.Error("it opens what it has no use for")
			return handler.New(), nil
		}, nil, quiet())
	if err != nil {
		t.Fatal(err)
	}
	stop()
}

func TestWhatSetupOpenedIsClosedInTheReverseOrder(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]error{"at the end": nil, "when it fails": errors.New("no")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var closed []string
			_, stop, err := Prepare(t.Context(), configured(t, ""), func(ctx context.Context, env *Env) (*handler.Registry, error) {
				env.OnStop(func() { closed = append(closed, "pool") })
				env.OnStop(func() { closed = append(closed, "client") })
				registry, _ := shop(ctx, env)
				return registry, fails
			}, nil, quiet())
			if !errors.Is(err, fails) {
				t.Fatalf("error %v, want %v", err, fails)
			}
			if err == nil {
				stop()
			}
			if !slices.Equal(closed, []string{"client", "pool"}) {
				t.Errorf("closed %q", closed)
			}
		})
	}
}

func TestCloseThatHangsKeepsNobody(t *testing.T) {
	t.Parallel()
	cfg := configured(t, "worker: {shutdown_timeout: 5ms}")
	release := make(chan struct{})
	defer close(release)
	var log bytes.Buffer
	_, stop, err := Prepare(t.Context(), cfg, func(ctx context.Context, env *Env) (*handler.Registry, error) {
		env.OnStop(func() { <-release })
		return shop(ctx, env)
	}, nil, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		stop()
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("stop waits for what hangs")
	}
	if !strings.Contains(log.String(), "did not end in time") {
		t.Errorf("log %s", &log)
	}
}
