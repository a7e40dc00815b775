// Package ledger is the file in which a sender that simulates writes every attempt, with what came of it. An audit holds it against
// what is stored.
package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Faults that a simulator makes on purpose.
const (
	FaultDuplicate = "duplicate" // sent again although it was answered 200
	FaultUnknown   = "unknown"   // of a type that nobody has heard of
	FaultInvalid   = "invalid"   // noise: no JSON, no object, no type, or ambiguous
)

const (
	mode = 0o600
	// longestLine of a ledger is far more than one of an entry, in bytes.
	longestLine = 1 << 20
)

// Entry is one line of a ledger: one attempt to have a notification accepted, with its outcome.
type Entry struct {
	// At is when the attempt began.
	At       time.Time `json:"at"`
	Source   string    `json:"source"`
	Instance string    `json:"instance"`
	// Number counts the notifications of the instance in this ledger, from 1.
	Number    int    `json:"number"`
	Type      string `json:"type"`
	Chat      string `json:"chat,omitempty"`
	IDMessage string `json:"id_message,omitempty"`
	// Attempt counts from 1; it is 0 in the only line of a notification that expired before it was its turn.
	Attempt int `json:"attempt"`
	// Status is that of the answer, 0 without one: then nobody knows whether the notification was stored.
	Status int `json:"status"`
	// Code is the stable word in an answer of Sluice other than 200, Receipt its header Sluice-Receipt.
	Code    string `json:"code,omitempty"`
	Receipt string `json:"receipt,omitempty"`
	Error   string `json:"error,omitempty"`
	// Duration is in milliseconds.
	Duration float64 `json:"duration_ms"`
	// Bytes is the size of the body, BodySHA256 the hash of exactly what was sent, in hex.
	Bytes      int    `json:"bytes"`
	BodySHA256 string `json:"body_sha256"`
	// Fault is what was done wrong on purpose.
	Fault string `json:"fault,omitempty"`
	// Expired is in the last line of a notification that was given up.
	Expired bool `json:"expired,omitempty"`
}

// File is a ledger with one entry a line. Each is handed to the operating system as a whole and at once, so that a
// process that is killed loses the last one at most. It is safe for concurrent use; a nil File keeps nothing.
type File struct {
	mutex sync.Mutex
	file  *os.File
	lock  *flock.Flock
	// numbers are the highest of each instance.
	numbers map[string]int
}

// WriteError is what ends a run: without its ledger it is worth nothing.
type WriteError struct{ cause error }

// Error says what went wrong with the file.
func (e *WriteError) Error() string { return "write ledger: " + e.cause.Error() }

// Unwrap returns the error of the file system.
func (e *WriteError) Unwrap() error { return e.cause }

// Open opens a file to append to, and makes it when it is not there. The numbers of the instances go on where
// those in the file end; a torn last line is cut off. It fails when another process has the file open as a ledger,
// or when something else is in it.
func Open(path string) (*File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, mode)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	f := &File{file: file, lock: flock.New(path), numbers: map[string]int{}}
	if err := f.resume(); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %q: %w", path, err), f.Close())
	}
	return f, nil
}

// resume takes the file for this process and finds out where it ends.
func (f *File) resume() error {
	taken, err := f.lock.TryLock()
	if err != nil {
		return err
	}
	if !taken {
		return errors.New("another process writes it; name another file")
	}
	info, err := f.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err // A pipe has nothing to read.
	}
	lines := newLines(f.file)
	for entry, err := range lines.entries() {
		if err != nil {
			return fmt.Errorf("%w; name another file", err)
		}
		f.numbers[entry.Instance] = max(f.numbers[entry.Instance], entry.Number)
	}
	return f.cutTail(lines.whole)
}

// entryStart is how every line begins.
const entryStart = `{"at":`

// cutTail removes what a killed process left of its last line, and nothing that is not that.
func (f *File) cutTail(whole int64) error {
	tail := make([]byte, len(entryStart))
	read, err := f.file.ReadAt(tail, whole)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !strings.HasPrefix(entryStart, string(tail[:read])) {
		return errors.New("the last line is no entry of a ledger; name another file")
	}
	if err := f.file.Truncate(whole); err != nil {
		return err
	}
	_, err = f.file.Seek(whole, io.SeekStart)
	return err
}

// Last is the highest number of an instance.
func (f *File) Last(instance string) int {
	if f == nil {
		return 0
	}
	return f.numbers[instance]
}

// Append writes an entry. Errors: WriteError.
func (f *File) Append(entry Entry) error {
	if f == nil {
		return nil
	}
	line, err := json.Marshal(entry)
	if err != nil {
		return &WriteError{err}
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if _, err := f.file.Write(append(line, '\n')); err != nil {
		return &WriteError{err}
	}
	return nil
}

// Close closes the file. It is for after Run.
func (f *File) Close() error { return errors.Join(f.lock.Close(), f.file.Close()) }
