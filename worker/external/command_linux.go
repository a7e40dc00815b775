package external

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// confine gives the command a process group of its own, so that what it starts ends with it, and tells it to end before it is
// killed.
func confine(run *exec.Cmd) {
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	run.Cancel = func() error { return syscall.Kill(-run.Process.Pid, syscall.SIGTERM) }
}

// end kills what is left of the command's process group.
func end(run *exec.Cmd) {
	_ = syscall.Kill(-run.Process.Pid, syscall.SIGKILL) // Mostly there is nobody any more.
}

// limitMemory bounds the address space of each process of the command, in bytes.
func limitMemory(pid int, bytes int64) error {
	if bytes <= 0 {
		return nil
	}
	limit := unix.Rlimit{Cur: uint64(bytes), Max: uint64(bytes)}
	err := unix.Prlimit(pid, unix.RLIMIT_AS, &limit, nil)
	if err == unix.ESRCH {
		return nil // It has ended already.
	}
	return err
}
