package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
)

// outputSize is how much is collected before it is written.
const outputSize = 64 << 10

// output is the buffered standard output. The first error of a write stays, so that whoever writes need not look
// at each; flush returns it.
type output struct {
	buffer  *bufio.Writer
	encoder *json.Encoder
}

func newOutput(out io.Writer) *output {
	buffer := bufio.NewWriterSize(out, outputSize)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false) // Bodies are to come out as they came in.
	return &output{buffer: buffer, encoder: encoder}
}

// outputError is an error of the standard output, in contrast to one of a connection, which can be closed too.
type outputError struct{ cause error }

func (e *outputError) Error() string { return fmt.Sprintf("write output: %v", e.cause) }
func (e *outputError) Unwrap() error { return e.cause }
func (e *outputError) closed() bool  { return isClosed(e.cause) }

func (o *output) Write(text []byte) (int, error) {
	n, err := o.buffer.Write(text)
	return n, asOutputError(err)
}

// line writes formatted text and ends the line.
func (o *output) line(format string, args ...any) error {
	_, err := fmt.Fprintf(o.buffer, format+"\n", args...)
	return asOutputError(err)
}

// object writes a document as one line of JSON.
func (o *output) object(document any) error {
	if _, err := o.buffer.Write(nil); err != nil {
		return asOutputError(err)
	}
	return asOutputError(o.encoder.Encode(document))
}

func (o *output) flush() error { return asOutputError(o.buffer.Flush()) }

func asOutputError(err error) error {
	if err == nil {
		return nil
	}
	return &outputError{cause: err}
}

// serialized makes a writer safe for concurrent use: a connection logs beside what a command says.
type serialized struct {
	mutex sync.Mutex
	out   io.Writer
}

func (s *serialized) Write(text []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.out.Write(text)
}

// isClosed tells the errors of writing to a reader that is gone.
func isClosed(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}
