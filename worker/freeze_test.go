package worker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sluice.internal/shared/notification"
)

// workerURL has the address of NATS when the test binary is to be a worker.
const workerURL = "SLUICE_TEST_WORKER_URL"

// printingWorker is what a process of its own does until its input ends: it prints which event it begins, and when.
func printingWorker() settings {
	return settings{
		NoIntake: true,
		Handlers: handlers(func(_ context.Context, event notification.Event) error {
			fmt.Println("began", event.Key, time.Now().UnixNano())
			time.Sleep(time.Millisecond)
			return nil
		}),
	}
}

// process is a worker in a process of its own.
type process struct {
	command *exec.Cmd
	mutex   sync.Mutex
	began   map[string][]time.Time // by key
	total   atomic.Int64
}

// spawn starts a worker process. Stop ends it.
func (b *bench) spawn() (p *process, stop func()) {
	b.t.Helper()
	p = &process{command: exec.Command(os.Args[0]), began: map[string][]time.Time{}}
	p.command.Env = append(os.Environ(), workerURL+"="+b.server.URL())
	p.command.Stderr = b.log
	input, err := p.command.StdinPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	output, err := p.command.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		b.t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			p.note(lines.Text())
		}
	}()
	stop = sync.OnceFunc(func() {
		_ = p.command.Process.Signal(syscall.SIGCONT)
		_ = input.Close()
		<-read
		if err := p.command.Wait(); err != nil {
			b.t.Errorf("worker process: %v, log:\n%s", err, b.log)
		}
	})
	b.t.Cleanup(stop)
	return p, stop
}

func (p *process) note(line string) {
	words := strings.Fields(line)
	if len(words) != 3 || words[0] != "began" {
		return
	}
	var at int64
	_, _ = fmt.Sscan(words[2], &at)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.began[words[1]] = append(p.began[words[1]], time.Unix(0, at))
	p.total.Add(1)
}

func TestWorkerThatWasFrozenHandlesNothingThatOthersHaveHandledMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	frozen, stop := b.spawn()
	const chats, before, meanwhile = 30, 10, 20
	b.accept(chats, 0, before)
	awaitCount(b, &frozen.total, chats*before)
	if err := frozen.command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	b.accept(chats, before, meanwhile) // The server hands one of each lane to the process that does not run.
	var (
		mutex sync.Mutex
		ended = map[string]time.Time{}
		total atomic.Int64
	)
	other := b.launch(settings{NoIntake: true, Handlers: handlers(func(_ context.Context, event notification.Event) error {
		mutex.Lock()
		defer mutex.Unlock()
		ended[event.Key] = time.Now()
		total.Add(1)
		return nil
	})})
	awaitCount(b, &total, chats*meanwhile)
	if err := other.stop(); err != nil {
		t.Fatal(err)
	}
	if err := frozen.command.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	b.accept(chats, before+meanwhile, 1) // It works on.
	awaitCount(b, &frozen.total, chats*(before+1))
	b.drain()
	stop()
	frozen.mutex.Lock()
	defer frozen.mutex.Unlock()
	for key, begins := range frozen.began {
		for _, began := range begins {
			if end, handled := ended[key]; handled && began.After(end) {
				t.Errorf("%s was handled %s after another worker had handled it", key, began.Sub(end))
			}
		}
	}
	if len(frozen.began)+len(ended) < chats*(before+meanwhile+1) {
		t.Errorf("%d events handled by the one and %d by the other, want %d in all", len(frozen.began), len(ended), chats*(before+meanwhile+1))
	}
}

func awaitCount(b *bench, total *atomic.Int64, count int) {
	b.t.Helper()
	for ctx := b.context(); total.Load() < int64(count); {
		select {
		case <-ctx.Done():
			b.t.Fatalf("%d handled, want %d, log:\n%s", total.Load(), count, b.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestEventThatIsHandledForLongIsHandedToNobodyElse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ due, unordered bool }{
		"in a lane":                       {},
		"due":                             {due: true},
		"in a group without order":        {unordered: true},
		"due in a group without an order": {due: true, unordered: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			var calls, long atomic.Int64
			release := make(chan struct{})
			settings := settings{
				NoIntake: true, Unordered: test.unordered, Retries: retries{InChat: []time.Duration{}, First: time.Millisecond},
				Handlers: handlers(func(ctx context.Context, event notification.Event) error {
					calls.Add(1)
					if test.due && event.Attempt == 1 {
						return errors.New("once more")
					}
					long.Add(1)
					select {
					case <-release:
					case <-ctx.Done():
					}
					return nil
				}),
			}
			b.launch(settings)
			b.launch(settings)
			b.accept(1, 0, 1)
			awaitCount(b, &long, 1)
			time.Sleep(10 * time.Second) // The server waits for a sign of life for less.
			close(release)
			b.drain()
			want := int64(1)
			if test.due {
				want = 2
			}
			if calls.Load() != want {
				t.Errorf("handled %d times, want %d", calls.Load(), want)
			}
		})
	}
}
