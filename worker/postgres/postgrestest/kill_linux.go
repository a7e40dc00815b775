package postgrestest

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// killAll kills a process and its children, and returns when none of them runs any more: a PostgreSQL does not start while a
// process of the one before is there.
func killAll(parent int) error {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	if err != nil {
		return err
	}
	pids := []int{parent}
	for _, field := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return err
		}
		pids = append(pids, pid)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			return err
		}
	}
	for deadline := time.Now().Add(timeout); ; time.Sleep(10 * time.Millisecond) {
		if !anyRuns(pids) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes of PostgreSQL %v do not end", pids)
		}
	}
}

// anyRuns reports whether one of the processes has not ended. Whoever inherits an ended one may not have collected it yet.
func anyRuns(pids []int) bool {
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		if _, rest, ok := bytes.Cut(stat, []byte(") ")); ok && rest[0] != 'Z' && rest[0] != 'X' {
			return true
		}
	}
	return false
}
