package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Read returns the entries of a ledger in the order in which their attempts ended. A last line that does not
// end is left out: the process that wrote it was killed. Anything else that is no entry is the last thing returned,
// as an error with its line.
func Read(from io.Reader) iter.Seq2[Entry, error] { return newLines(from).entries() }

// lines reads a ledger.
type lines struct {
	scanner *bufio.Scanner
	// whole is how many bytes the entries had so far.
	whole int64
}

func newLines(from io.Reader) *lines {
	l := &lines{scanner: bufio.NewScanner(from)}
	l.scanner.Buffer(nil, longestLine)
	l.scanner.Split(func(data []byte, _ bool) (advance int, token []byte, err error) {
		if end := bytes.IndexByte(data, '\n') + 1; end > 0 {
			return end, data[:end], nil
		}
		return 0, nil, nil // More is needed, or it is the torn end.
	})
	return l
}

func (l *lines) entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for number := 1; l.scanner.Scan(); number++ {
			entry, err := readEntry(l.scanner.Bytes())
			if err != nil {
				yield(Entry{}, fmt.Errorf("line %d is no entry of a ledger: %w", number, err))
				return
			}
			l.whole += int64(len(l.scanner.Bytes()))
			if !yield(entry, nil) {
				return
			}
		}
		if err := l.scanner.Err(); err != nil {
			yield(Entry{}, fmt.Errorf("read ledger: %w", err))
		}
	}
}

func readEntry(line []byte) (Entry, error) {
	var entry Entry
	if err := json.Unmarshal(line, &entry); err != nil {
		return Entry{}, err
	}
	if entry.Instance == "" || entry.Number < 1 || entry.BodySHA256 == "" {
		return Entry{}, errors.New("it lacks instance, number or body_sha256")
	}
	return entry, nil
}
