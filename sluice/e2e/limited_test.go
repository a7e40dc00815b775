//go:build e2e

package e2e_test

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var inContainers = flag.Bool("containers", false, "limit memory by containers, also where the test can make cgroups itself")

// limited is a program that may use so much memory and no more, as one in a container of docker-compose.yml.
type limited struct {
	*process

	name  string
	limit int64 // in bytes
	memory
}

// memory is what the kernel counts of a limited program.
type memory interface {
	// peak returns the most memory in bytes that was used since the call before, or since the start where the kernel
	// can't forget it; 0 means that it is not known.
	peak() (int64, error)
	// kills returns how often the kernel killed a process of the program because it needed more.
	kills() (int, error)
}

// runLimited starts a program with a memory limit in bytes: in a memory cgroup of its own, or in a container where the
// test may make none. A machine that can do neither fails the test, since then it would prove nothing.
//
// The program sees the files in folder. Variables are set for it beside those of the test.
func runLimited(t *testing.T, name string, limit int64, folder string, variables []string, args ...string) *limited {
	t.Helper()
	place := fmt.Sprintf("sluice-e2e-%d-%s-%d", os.Getpid(), name, limitedCount.Add(1))
	if !*inContainers {
		group, err := newCgroup(place, limit)
		if err == nil {
			return group.run(t, name, limit, variables, args)
		}
		t.Logf("no memory cgroup can be made, so containers have to do: %v", err)
	}
	return runContainer(t, name, place, limit, folder, variables, args)
}

// limitedCount makes names of cgroups and containers that no other has.
var limitedCount atomic.Int32

// cgroup is a memory cgroup with a limit. Source: cgroup-v1/memory.rst and cgroup-v2.rst of the kernel's documentation.
type cgroup struct {
	dir     string
	unified bool // version 2
}

// newCgroup makes a memory cgroup under the one that the test runs in.
func newCgroup(name string, limit int64) (*cgroup, error) {
	parent, unified, err := memoryCgroup()
	if err != nil {
		return nil, err
	}
	c := &cgroup{dir: filepath.Join(parent, name), unified: unified}
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		return nil, err
	}
	file, swap, swapLimit := "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", strconv.FormatInt(limit, 10)
	if unified {
		file, swap, swapLimit = "memory.max", "memory.swap.max", "0"
	}
	if err := c.set(file, strconv.FormatInt(limit, 10)); err != nil {
		return nil, errors.Join(err, os.Remove(c.dir))
	}
	// Memory that is swapped out is used all the same. A kernel without swap has no such file.
	if err := c.set(swap, swapLimit); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, os.Remove(c.dir))
	}
	return c, nil
}

// memoryCgroup returns the folder that a memory cgroup can be made in. With version 2 that is the nearest one above the
// test's that hands memory on: one that has processes of its own can't.
func memoryCgroup() (dir string, unified bool, err error) {
	own, err := cgroupOf("self")
	if err != nil || !own.unified {
		return own.dir, own.unified, err
	}
	for dir := own.dir; ; dir = filepath.Dir(dir) {
		handedOn, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
		if err == nil && slices.Contains(strings.Fields(string(handedOn)), "memory") {
			return dir, true, nil
		}
		if dir == cgroups || dir == "/" {
			return "", false, errors.New("no cgroup above the test's hands the memory controller on")
		}
	}
}

const cgroups = "/sys/fs/cgroup"

// cgroupOf returns the cgroup that counts the memory of a process. Each line of the file is a hierarchy of version 1 with
// its controllers, or the one of version 2 without.
func cgroupOf(process string) (cgroup, error) {
	text, err := os.ReadFile(filepath.Join("/proc", process, "cgroup"))
	if err != nil {
		return cgroup{}, err
	}
	unified := cgroup{}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) < 3:
		case slices.Contains(strings.Split(parts[1], ","), "memory"):
			return cgroup{dir: filepath.Join(cgroups, "memory", parts[2])}, nil
		case parts[1] == "":
			unified = cgroup{dir: filepath.Join(cgroups, parts[2]), unified: true}
		}
	}
	if unified.dir == "" {
		return cgroup{}, fmt.Errorf("process %s has no cgroup that counts memory", process)
	}
	return unified, nil
}

func (c *cgroup) set(file, value string) error {
	opened, err := os.OpenFile(filepath.Join(c.dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = opened.WriteString(value)
	return errors.Join(err, opened.Close())
}

// run starts a program in the cgroup. The shell goes in and becomes the program, which so finds its limit at its start.
func (c *cgroup) run(t *testing.T, name string, limit int64, variables, args []string) *limited {
	t.Helper()
	built := program(t, name, args...)
	if name == "nginx" {
		built = exec.Command("/usr/sbin/nginx", args...)
	}
	command := exec.Command("sh", append([]string{"-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(c.dir, "cgroup.procs")}, built.Args...)...)
	command.Env = append(os.Environ(), variables...)
	var p *process
	t.Cleanup(func() { // After the one of runCommand, which kills it.
		if p != nil {
			<-p.ended
		}
		// The processes of a program that has several end a moment after the first.
		err := os.Remove(c.dir)
		for deadline := time.Now().Add(timeout); errors.Is(err, syscall.EBUSY) && time.Now().Before(deadline); err = os.Remove(c.dir) {
			time.Sleep(20 * time.Millisecond)
		}
		if err != nil {
			t.Errorf("remove cgroup: %v", err)
		}
	})
	p = runCommand(t, command)
	l := &limited{process: p, name: name, limit: limit, memory: c}
	if name == "sluice" { // What it writes to its store lies in the cache of the cgroup, which fills what there is.
		l.memory = ownMemory{c, p.command.Process.Pid}
	}
	return l
}

// ownMemory counts the memory of a process without the files that it has written, which the kernel takes back when it needs to.
type ownMemory struct {
	*cgroup

	pid int
}

// peak returns 0 for a process that has ended. Source: proc_pid_status(5), proc_pid_clear_refs(5).
func (m ownMemory) peak() (int64, error) {
	folder := filepath.Join("/proc", strconv.Itoa(m.pid))
	status, err := os.ReadFile(filepath.Join(folder, "status"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	_ = os.WriteFile(filepath.Join(folder, "clear_refs"), []byte("5"), 0) // Who may not, is told of the most since the start.
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			kibibytes, err := strconv.ParseInt(fields[1], 10, 64)
			return kibibytes << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmHWM", m.pid)
}

func (c *cgroup) peak() (int64, error) {
	if c.unified {
		return c.number("memory.peak")
	}
	peak, err := c.number("memory.max_usage_in_bytes")
	_ = c.set("memory.max_usage_in_bytes", "0") // Who may not, is told of the most since the start.
	return peak, err
}

func (c *cgroup) number(file string) (int64, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

func (c *cgroup) kills() (int, error) {
	name := "memory.oom_control"
	if c.unified {
		name = "memory.events"
	}
	file, err := os.Open(filepath.Join(c.dir, name))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if count, found := strings.CutPrefix(scanner.Text(), "oom_kill "); found {
			return strconv.Atoi(count)
		}
	}
	return 0, fmt.Errorf("%s does not say how often the kernel killed", name)
}

// dockerContainer is a container with a limit.
type dockerContainer struct{ name string }

// runContainer starts a program from its image, on the machine's network. The client of Docker prints what it prints,
// and ends with it.
func runContainer(t *testing.T, name, place string, limit int64, folder string, variables, args []string) *limited {
	t.Helper()
	if _, err := images(); err != nil {
		t.Fatalf("the memory of a program can't be limited here: the test needs to run as root with memory cgroups, or Docker: %v", err)
	}
	c := dockerContainer{place}
	command := exec.Command("docker", "run", "--name", c.name, "--network", "host", "--user", strconv.Itoa(os.Getuid()),
		"--memory", strconv.FormatInt(limit, 10), "--memory-swap", strconv.FormatInt(limit, 10), "--volume", folder+":"+folder+":ro")
	for _, variable := range variables {
		command.Args = append(command.Args, "--env", variable)
	}
	command.Args = append(append(command.Args, "sluice-"+name+":e2e"), args...)
	p := runCommand(t, command)
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "--force", c.name).Run() })
	return &limited{process: p, name: name, limit: limit, memory: c}
}

// peak is not known of a container that has ended or that runs on another machine than the test.
func (c dockerContainer) peak() (int64, error) {
	id, err := c.inspect("{{.State.Pid}}")
	if err != nil {
		return 0, err
	}
	group, err := cgroupOf(id)
	if err != nil {
		return 0, nil //nolint:nilerr // See above.
	}
	peak, err := group.peak()
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return peak, err
}

func (c dockerContainer) kills() (int, error) {
	if killed, err := c.inspect("{{.State.OOMKilled}}"); err != nil || killed != "true" {
		return 0, err
	}
	return 1, nil
}

func (c dockerContainer) inspect(format string) (string, error) {
	out, err := exec.Command("docker", "inspect", "--format", format, c.name).Output()
	if err != nil {
		return "", fmt.Errorf("inspect container %s: %w", c.name, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// alive reports whether the program still runs.
func (l *limited) alive() bool {
	select {
	case <-l.ended:
		return false
	default:
		return true
	}
}

// within checks that the program lives and stayed within its memory.
func (l *limited) within(t *testing.T) {
	t.Helper()
	if !l.alive() {
		printed := l.printed()
		t.Errorf("the %s ended: %v; last it printed:\n%s", l.name, l.command.ProcessState, printed[max(0, len(printed)-4000):])
	}
	kills, err := l.kills()
	if err != nil {
		t.Error(err)
	}
	if kills > 0 {
		t.Errorf("the kernel killed the %s, which needs more than %d MiB", l.name, l.limit>>20)
	}
	peak, err := l.peak()
	if err != nil {
		t.Error(err)
	}
	if peak >= l.limit {
		t.Errorf("the %s used all its %d MiB", l.name, l.limit>>20)
	}
	if peak > 0 {
		t.Logf("the %s used %d of %d MiB at most", l.name, peak>>20, l.limit>>20)
	}
}
