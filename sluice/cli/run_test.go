package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"sluice.internal/sluice/cli"
)

// asProcess makes the test's program the command itself.
const asProcess = "CLI_TEST_AS_PROCESS=1"

func TestMain(m *testing.M) {
	if slices.Contains(os.Environ(), asProcess) {
		os.Exit(cli.Run(context.Background(), cli.Process{
			Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Abort: func() { os.Exit(1) },
		}))
	}
	// Most of them wait for a server most of the time, so that more run side by side than there are processors. The command
	// line may want another number.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const testTimeout = 2 * time.Minute

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

// typed is a command line in a process of its own.
type typed struct {
	args    []string
	environ []string
	stdin   string
}

type result struct {
	code           int
	stdout, stderr string
}

func run(t *testing.T, args ...string) result {
	t.Helper()
	return typed{args: args}.run(t)
}

func (c typed) run(t *testing.T) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(testContext(t), cli.Process{
		Args: c.args, Environ: c.environ, Stdin: strings.NewReader(c.stdin), Stdout: &stdout, Stderr: &stderr,
	})
	return result{code: code, stdout: stdout.String(), stderr: stderr.String()}
}

func (r result) want(t *testing.T, want result) {
	t.Helper()
	if r != want {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

// fails checks the exit code and that standard error says all of it.
func (r result) fails(t *testing.T, code int, says ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, text := range says {
		if !strings.Contains(r.stderr, text) {
			t.Errorf("standard error is %q, want %q in it", r.stderr, text)
		}
	}
}

func commandLines() []string {
	return []string{
		"up", "send", "events", "dead", "dead ls", "dead show", "dead retry", "dead drop", "replay", "listen", "rejections", "status", "groups", "groups ls", "groups rm", "audit",
		"config", "config check", "config show", "config keys", "config schema", "version",
	}
}

func TestHelpFitsAScreenAndHasAnExample(t *testing.T) {
	t.Parallel()
	for _, command := range append(commandLines(), "") {
		t.Run("sluice "+command, func(t *testing.T) {
			t.Parallel()
			got := run(t, append(strings.Fields(command), "--help")...)
			if got.code != 0 || got.stderr != "" {
				t.Errorf("exit code %d, standard error %q", got.code, got.stderr)
			}
			for line := range strings.Lines(got.stdout) {
				if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 80 {
					t.Errorf("wider than 80 columns: %s", line)
				}
			}
			if !strings.Contains(got.stdout, "\nExample:\n\n    ") || !strings.Contains(got.stdout, "sluice "+command) {
				t.Errorf("no example in\n%s", got.stdout)
			}
		})
	}
}

func TestWrongUsageExitsWithTwoAndPointsToHelp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ args, says, help string }{
		"nothing":                {"", "expected one of", "`sluice --help`"},
		"unknown command":        {"frobnicate", "unexpected argument frobnicate", "`sluice --help`"},
		"nearly a command":       {"event", `did you mean "events"?`, "`sluice --help`"},
		"half a command":         {"config", "expected one of", "`sluice config --help`"},
		"unknown flag":           {"events --colour", "unknown flag --colour", "`sluice events --help`"},
		"argument too many":      {"status now", "unexpected argument now", "`sluice status --help`"},
		"nothing to send":        {"send", `expected "<file> ..."`, "`sluice send --help`"},
		"no time":                {"send --timeout=0s -", "--timeout must be more than 0", "`sluice send --help`"},
		"no URL":                 {"send --url=127.0.0.1 -", "--url must be an address", "`sluice send --help`"},
		"URL of no web server":   {"send --url=ftp://127.0.0.1/x -", "--url must be an address", "`sluice send --help`"},
		"two places to send to":  {"send --url=http://a --data=b -", "--url and --data can't be used together", "`sluice send"},
		"negative limit":         {"events --limit=-1", "--limit must not be negative", "`sluice events ls --help`"},
		"no number":              {"dead --limit=few", "--limit", "`sluice dead --help`"},
		"no dead letters named":  {"dead retry", "or all with --all", "`sluice dead retry --help`"},
		"filter of no letters":   {"dead drop --type=x", "filters narrow down --all", "`sluice dead drop --help`"},
		"some and all":           {"dead retry 1 --all", "sequences go with neither", "`sluice dead retry --help`"},
		"no dead letter to show": {"dead show", `expected "<sequence> ..."`, "`sluice dead show --help`"},
		"replay of everything":   {"replay --group=a", "or all that are kept with --all", "`sluice replay --help`"},
		"replay of all and some": {"replay --group=a --all --type=b", "--all goes with no filter", "`sluice replay --help`"},
		"replay to nobody":       {"replay --all", "--group=NAME or --to=URL", "`sluice replay --help`"},
		"replay to both":         {"replay --group=a --to=http://b --all", "can't be used together", "`sluice replay --help`"},
		"replay to no URL":       {"replay --to=b --all", "--to must be an address", "`sluice replay --help`"},
		"forward to no URL":      {"listen --forward=b", "--forward must be an address", "`sluice listen --help`"},
		"no time to begin with":  {"rejections --since=monday", "must be a duration such as 90m", "`sluice rejections --help`"},
		"two places to look":     {"status --nats=nats://a --data=b", "--nats and --data can't be used together", "`sluice status"},
		"two forms of one table": {"config keys --json --markdown", "can't be used together", "`sluice config keys --help`"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, strings.Fields(test.args)...)
			got.fails(t, 2, "sluice: ", test.says, "Try "+test.help)
			if got.stdout != "" {
				t.Errorf("standard output %q, want none", got.stdout)
			}
		})
	}
}

func TestVersionIsOneLine(t *testing.T) {
	t.Parallel()
	got := run(t, "version")
	if got.code != 0 || got.stderr != "" || !strings.HasPrefix(got.stdout, "sluice ") || strings.Count(got.stdout, "\n") != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestUpGetsWhatWasTyped(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		typed typed
		// want is data folder, address of NATS, file, flags.
		want string
	}{
		"nothing": {
			typed: typed{args: []string{"up"}},
			want:  `"./data" "127.0.0.1:4222" "" map[]`,
		},
		"variables": {
			typed: typed{args: []string{"up"}, environ: []string{"SLUICE_DATA=a", "SLUICE_CONFIG=b.yaml", "SLUICE_DATA=c"}},
			want:  `"c" "127.0.0.1:4222" "b.yaml" map[]`,
		},
		"flags": {
			typed: typed{
				args: []string{
					"up", "--data=d", "--nats-listen=127.0.0.1:0", "--config=e.yaml", "--gateway-listen=:9000",
					"--group=billing", "--types=incomingCall,outgoingCall", "--log-level=", "--log-format=json",
				},
				environ: []string{"SLUICE_DATA=a", "SLUICE_CONFIG=b.yaml"},
			},
			want: `"d" "127.0.0.1:0" "e.yaml" map["gateway.listen":":9000" "log.format":"json" "log.level":"" ` +
				`"worker.group":"billing" "worker.types":"incomingCall,outgoingCall"]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got cli.UpOptions
			code := cli.Run(t.Context(), cli.Process{
				Args: test.typed.args, Environ: test.typed.environ, Stdout: io.Discard, Stderr: io.Discard,
				Up: func(_ context.Context, options cli.UpOptions) error {
					got = options
					return nil
				},
			})
			if said := fmt.Sprintf("%q %q %q %q", got.Data, got.NATSListen, got.Config.File, got.Config.Flags); code != 0 || said != test.want {
				t.Errorf("exit code %d, options\n%s, want\n%s", code, said, test.want)
			}
			if got.Config.FlagNames["gateway.listen"] != "--gateway-listen" || !got.Config.AllowMissingTokens ||
				got.Config.Providers["green-api"].Path == "" || len(got.Config.Environ) != len(test.typed.environ) {
				t.Errorf("options of the configuration %+v", got.Config)
			}
		})
	}
}

func TestFailureOfUpIsToldAndExitsWithOne(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	code := cli.Run(t.Context(), cli.Process{
		Args: []string{"up"}, Stdout: io.Discard, Stderr: &stderr,
		Up: func(context.Context, cli.UpOptions) error { return errors.Join(errors.New("one"), errors.New("two")) },
	})
	if code != 1 || stderr.String() != "sluice: one\nsluice: two\n" {
		t.Errorf("exit code %d, standard error %q", code, stderr.String())
	}
	run(t, "up").fails(t, 1, "built without `up`")
}

func TestFullDiskIsAFailure(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	code := cli.Run(t.Context(), cli.Process{
		Args: []string{"config", "keys"}, Stdout: writerFunc(func([]byte) (int, error) { return 0, syscall.ENOSPC }), Stderr: &stderr,
	})
	if code != 1 || stderr.String() != "sluice: write output: no space left on device\n" {
		t.Errorf("exit code %d, standard error %q", code, stderr.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(text []byte) (int, error) { return f(text) }

func TestReaderThatIsGoneEndsQuietly(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"--help", "version", "config show", "config keys", "config keys --markdown", "config keys --json", "config schema",
	} {
		var stderr bytes.Buffer
		code := cli.Run(t.Context(), cli.Process{Args: strings.Fields(args), Stdout: goneReader(t), Stderr: &stderr})
		if code != 0 || stderr.Len() > 0 {
			t.Errorf("%s: exit code %d, standard error %q", args, code, stderr.String())
		}
	}
}

func TestStandardOutputWhoseReaderIsGoneEndsQuietly(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	command := exec.CommandContext(testContext(t), program, "config", "keys")
	command.Env = []string{asProcess}
	command.Stdout, command.Stderr = goneReader(t), &stderr
	if err := command.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("error %v, standard error %q", err, stderr.String())
	}
}

// goneReader is a pipe that nobody reads from any more.
func goneReader(t *testing.T) io.Writer {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = writer.Close() })
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	return writer
}
