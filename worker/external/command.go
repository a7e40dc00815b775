package external

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"sluice.internal/worker/handler"
)

const (
	// exitPermanent is the exit code of a command that says that another try is of no use: EX_DATAERR of sysexits.h.
	exitPermanent = 65
	// endGrace is how long a command that was told to end may take before it is killed with all that it started.
	endGrace = 5 * time.Second
	// maxOutput is how much of what a command writes is kept, in bytes.
	maxOutput = 16 << 10
)

// command is a program that is started for each event.
type command struct {
	arguments []string
	environ   []string
	memory    int64 // in bytes; 0 for no bound
}

// handle runs the command with the event's body on its standard input and what is known about the event in its environment. Its
// exit code is the verdict: 0 is handled, 65 is permanent, all else is tried again. When the context ends the command is told to
// end, and killed with all that it started if it does not.
func (c *command) handle(ctx context.Context, event handler.Event[handler.Document]) error {
	run := exec.CommandContext(ctx, c.arguments[0], c.arguments[1:]...) //nolint:gosec // The operator has configured it.
	run.Stdin = bytes.NewReader(event.Raw)
	run.Env = append([]string(nil), c.environ...)
	for _, one := range append(describe(event), field{"Content-Type", contentType(event)}) {
		run.Env = append(run.Env, "EVENT_"+strings.ToUpper(strings.ReplaceAll(one.name, "-", "_"))+"="+one.value)
	}
	var output tail
	run.Stdout, run.Stderr = &output, &output
	run.WaitDelay = endGrace
	confine(run)
	if err := run.Start(); err != nil {
		return fmt.Errorf("start %q: %w", c.arguments[0], err)
	}
	if err := limitMemory(run.Process.Pid, c.memory); err != nil {
		end(run)
		_ = run.Wait()
		return fmt.Errorf("bound the memory of %q: %w", c.arguments[0], err)
	}
	err := run.Wait()
	end(run) // What it left behind would run on beside the next one.
	if text := output.lastLine(); text != "" {
		event.Log.Debug("command wrote", "command", c.arguments[0], "last_line", text)
	}
	return c.verdict(ctx, err, &output)
}

func (c *command) verdict(ctx context.Context, err error, output *tail) error {
	// A command that leaves something behind that holds its output has ended all the same.
	if err == nil || errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		return nil
	}
	text := err.Error()
	if line := output.lastLine(); line != "" {
		text += ": " + line
	}
	failure := fmt.Errorf("%q: %s", c.arguments[0], text)
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", failure, ctx.Err())
	}
	if exited := (*exec.ExitError)(nil); errors.As(err, &exited) && exited.ExitCode() == exitPermanent {
		return handler.Permanent(failure)
	}
	return failure
}

// tail keeps the end of what is written.
type tail struct{ kept []byte }

// Write keeps the last maxOutput bytes, and never fails: the command goes on writing.
func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-maxOutput):]...)
	if over := len(t.kept) - maxOutput; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// lastLine returns the last line that says something: errors come last.
func (t *tail) lastLine() string {
	lines := bytes.Split(bytes.TrimSpace(t.kept), []byte("\n"))
	return firstLine(lines[len(lines)-1])
}
