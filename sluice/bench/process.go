package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"time"
)

const (
	// stopTimeout is how long a process may take to end by itself.
	stopTimeout = 10 * time.Second
	// messageTimeout is how long it may take to say something, beside the time that it measures.
	messageTimeout = 10 * time.Minute
)

// process is a part of the table in a process of its own, so that its processor time and its memory can be told
// from the others'.
type process struct {
	role    role
	command *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
	log     *bytes.Buffer
}

// start runs the program as a part and waits until it says something.
func start(ctx context.Context, program Program, s spec) (*process, message, error) {
	p := &process{
		role: s.Role, log: &bytes.Buffer{},
		command: exec.CommandContext(ctx, program.Path, program.Args...), //nolint:gosec // It is this very program.
	}
	p.command.Env = program.Environ
	p.command.Stderr = p.log
	p.command.WaitDelay = stopTimeout
	in, err := p.command.StdinPipe()
	if err != nil {
		return nil, message{}, p.failed(err)
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, message{}, p.failed(err)
	}
	p.in, p.out = in, json.NewDecoder(out)
	if err := p.command.Start(); err != nil {
		return nil, message{}, p.failed(err)
	}
	if err := json.NewEncoder(in).Encode(s); err != nil {
		p.kill()
		return nil, message{}, p.failed(err)
	}
	first, err := p.next(messageTimeout + s.Job.WarmUp + s.Job.Duration)
	if err != nil {
		p.kill()
		return nil, message{}, err
	}
	return p, first, nil
}

// next waits for what the process says next.
func (p *process) next(limit time.Duration) (message, error) {
	timer := time.AfterFunc(limit, func() { _ = p.command.Process.Kill() })
	defer timer.Stop()
	var t message
	if err := p.out.Decode(&t); err != nil {
		// It has ended or will now; what it logged says why.
		p.kill()
		return message{}, p.failed(err)
	}
	return t, nil
}

// begin tells the process to begin with what is measured.
func (p *process) begin() error {
	if err := json.NewEncoder(p.in).Encode(begin{}); err != nil {
		p.kill()
		return p.failed(err)
	}
	return nil
}

// failed adds to an error what the process logged, which mostly has the cause.
func (p *process) failed(err error) error {
	if log := bytes.TrimSpace(p.log.Bytes()); len(log) > 0 {
		return fmt.Errorf("run %s as a process of its own: %w; it logged: %s", p.role, err, log)
	}
	return fmt.Errorf("run %s as a process of its own: %w", p.role, err)
}

// pid is by what the operating system knows it.
func (p *process) pid() int { return p.command.Process.Pid }

// stop lets the process end by itself, for what it writes at its end.
func (p *process) stop() error {
	timer := time.AfterFunc(stopTimeout, func() { _ = p.command.Process.Kill() })
	defer timer.Stop()
	_ = p.in.Close() // It may have been told before.
	if err := p.command.Wait(); err != nil {
		return p.failed(err)
	}
	return nil
}

// kill ends the process at once.
func (p *process) kill() {
	_ = p.command.Process.Kill() // It may have ended.
	_ = p.in.Close()
	_ = p.command.Wait() // That it was killed is no news.
}
