package service_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
)

// ran is what came of a command.
type ran struct {
	code           int
	stdout, stderr string
	cfg            *config.Config // nil when it did not start
}

// run starts a command with a flag --listen, whose work ends at once with the failure.
func run(t *testing.T, failure error, environ []string, args ...string) ran {
	t.Helper()
	var result ran
	var stdout, stderr bytes.Buffer
	command := service.Command{
		Name: "gateway", About: "The gateway takes webhooks in.",
		Flags:   []service.Flag{{Name: "listen", Key: "gateway.listen", Help: "the address that takes webhooks in"}},
		Options: config.Options{WithoutTokens: true},
		Run: func(_ context.Context, cfg *config.Config, log *slog.Logger) error {
			log.Info("started")
			result.cfg = cfg
			return failure
		},
	}
	// As the environment of a person who has tuned the runtime, so that this test does not tune it for the others.
	environ = append([]string{"GOGC=100", "GOMEMLIMIT=off"}, environ...)
	result.code = command.Main(service.Process{
		Args: args, Environ: environ, Stdout: &stdout, Stderr: &stderr,
		Abort: func() { t.Error("aborted") },
	})
	result.stdout, result.stderr = stdout.String(), stderr.String()
	return result
}

func TestCommandRunsWithTheConfigurationOfFileVariablesAndFlags(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte("gateway: {listen: ':1', read_timeout: 5s}\nworker: {group: file}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	variables := []string{"SLUICE_CONFIG=" + file, "SLUICE_WORKER_GROUP=variable", "SLUICE_DATA=x", "SLUICE_TOKEN=y", "SLUICE_LOG_FORMAT=json"}
	for _, way := range []ran{
		run(t, nil, variables, "--listen", ":2"),
		run(t, nil, append([]string{"SLUICE_CONFIG=nowhere"}, variables[1:]...), "--config", file, "--listen=:2"),
	} {
		if way.code != service.ExitOK || way.cfg == nil {
			t.Fatalf("exit code %d, standard error %q", way.code, way.stderr)
		}
		if got := way.cfg; got.Gateway.Listen != ":2" || got.Worker.Group != "variable" || got.Gateway.ReadTimeout.String() != "5s" {
			t.Errorf("it ran with %+v", got)
		}
		if !strings.Contains(way.stderr, `"msg":"started"`) {
			t.Errorf("it logged %q", way.stderr)
		}
	}
}

func TestCommandSaysWhyItDoesNotRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		failure error
		environ []string
		args    []string
		code    int
		want    string
	}{
		"a flag that is none":      {args: []string{"--lisen", ":1"}, code: service.ExitUsage, want: "gateway: flag provided but not defined: -lisen\nTry gateway --help.\n"},
		"an argument":              {args: []string{"start"}, code: service.ExitUsage, want: "gateway: unexpected argument \"start\"\nTry gateway --help.\n"},
		"a faulty flag":            {args: []string{"--listen", "here"}, code: service.ExitFailed, want: "gateway: --listen: \"here\" is not an address to listen on"},
		"a faulty variable":        {environ: []string{"SLUICE_LOG_LEVEL=loud"}, code: service.ExitFailed, want: "gateway: SLUICE_LOG_LEVEL: \"loud\" is not one of"},
		"an unknown variable":      {environ: []string{"SLUICE_DATUM=x"}, code: service.ExitFailed, want: "did you mean SLUICE_DATA?"},
		"a file that is not there": {environ: []string{"SLUICE_CONFIG=nowhere.yaml"}, code: service.ExitFailed, want: "gateway: nowhere.yaml: no such file"},
		"work that fails":          {failure: errors.New("no store"), code: service.ExitFailed, want: "gateway: no store\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, test.failure, test.environ, test.args...)
			if got.code != test.code || !strings.Contains(got.stderr, test.want) || got.stdout != "" {
				t.Errorf("exit code %d, standard output %q, standard error %q", got.code, got.stdout, got.stderr)
			}
			if started := got.cfg != nil; started != (test.failure != nil) {
				t.Errorf("it started: %t", started)
			}
		})
	}
}

func TestHelpNamesEveryFlagAndVersionTheProgram(t *testing.T) {
	t.Parallel()
	help := run(t, nil, nil, "--help")
	if help.code != service.ExitOK || help.cfg != nil {
		t.Errorf("exit code %d, standard error %q", help.code, help.stderr)
	}
	for _, want := range []string{"The gateway takes webhooks in.\n\nUsage: gateway [flags]\n", "--config", "--version", "--healthcheck", "--listen          the address", "sluice config keys"} {
		if !strings.Contains(help.stdout, want) {
			t.Errorf("the help has no %q:\n%s", want, help.stdout)
		}
	}
	if version := run(t, nil, nil, "--version"); version.code != service.ExitOK || version.stdout != "gateway "+service.Version()+"\n" {
		t.Errorf("exit code %d, wrote %q", version.code, version.stdout)
	}
}

func TestWarningsOfTheConfigurationAreLogged(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	options := config.Options{
		File: filepath.Join(t.TempDir(), "empty.yaml"), Environ: []string{"SLUICE_SOURCES_GREEN_API_TOKEN=short", "SLUICE_LOG_FORMAT=json"},
	}
	if err := os.WriteFile(options.File, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := service.Start(t.Context(), service.Process{Stderr: &out, Abort: func() {}}, options,
		func(context.Context, *config.Config, *slog.Logger) error { return nil })
	if err != nil || !strings.Contains(out.String(), `"level":"WARN"`) || !strings.Contains(out.String(), "could be guessed") {
		t.Errorf("logged %q, error %v", out.String(), err)
	}
}
