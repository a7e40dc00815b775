package term

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"

	"sluice.internal/shared/service"
)

// outputSize is how many bytes are collected before they are written.
const outputSize = 64 << 10

// Output is a buffered standard output. The first error of a write stays, so a caller that writes several lines need
// not check each: Flush returns it. An Output is for one goroutine.
type Output struct {
	buffer  *bufio.Writer
	encoder *json.Encoder
}

// NewOutput returns an Output that writes to out. When that is a terminal, JSON has escapes for what is not printable.
func NewOutput(out io.Writer) *Output {
	buffer := bufio.NewWriterSize(out, outputSize)
	documents := io.Writer(buffer)
	if service.IsTerminal(out) {
		documents = service.EscapeJSON(buffer)
	}
	encoder := json.NewEncoder(documents)
	encoder.SetEscapeHTML(false) // Bodies come out as they came in.
	return &Output{buffer: buffer, encoder: encoder}
}

// Write writes text as it is. Errors: *OutputError.
func (o *Output) Write(text []byte) (int, error) {
	n, err := o.buffer.Write(text)
	return n, asOutputError(err)
}

// Line writes formatted text and ends the line. Errors: *OutputError.
func (o *Output) Line(format string, args ...any) error {
	_, err := fmt.Fprintf(o.buffer, format+"\n", args...)
	return asOutputError(err)
}

// Object writes a document as one line of JSON. Errors: *OutputError.
func (o *Output) Object(document any) error {
	if _, err := o.buffer.Write(nil); err != nil {
		return asOutputError(err)
	}
	return asOutputError(o.encoder.Encode(document))
}

// Flush writes out what is buffered and returns the first error of any write. Errors: *OutputError.
func (o *Output) Flush() error { return asOutputError(o.buffer.Flush()) }

// OutputError is an error of the standard output. A connection can be closed too, and that is not the same.
type OutputError struct{ cause error }

func (e *OutputError) Error() string { return fmt.Sprintf("write output: %v", e.cause) }
func (e *OutputError) Unwrap() error { return e.cause }

// Closed reports whether the reader is gone, as `head` is when it has seen enough.
func (e *OutputError) Closed() bool { return IsClosed(e.cause) }

func asOutputError(err error) error {
	if err == nil {
		return nil
	}
	return &OutputError{cause: err}
}

// IsClosed reports whether an error comes from writing to a reader that is gone.
func IsClosed(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}
