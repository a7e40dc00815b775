package loadgen

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

const (
	// answerBuffer holds the longest line of an answer's head.
	answerBuffer = 4 << 10
	// maxHeadLines is more than any head has.
	maxHeadLines = 200

	// HeaderReceipt is where a gateway puts the sequence of what it has stored.
	HeaderReceipt = "Sluice-Receipt"
)

var (
	errNoHTTP   = errors.New("the answer is not HTTP/1.1")
	errTooMuch  = errors.New("the server sent more than its answer")
	errLongHead = errors.New("the head of the answer does not end")
)

// answer is what a server said to a request.
type answer struct {
	status int
	// receipt is the place in the stream, 0 when the answer has none.
	receipt uint64
}

// ok reports whether the answer is what a gateway gives to what it has stored. Another server has no receipts.
func (a answer) ok(receipts bool) bool {
	return a.status == http.StatusOK && (a.receipt != 0 || !receipts)
}

// framing is how the end of an answer is found, and whether another request may follow.
type framing struct {
	length  int64 // -1 when it is not told
	chunked bool
	closing bool
}

// readAnswer reads one answer to its end. It reads no more of it than is needed to check it and to find that end,
// because the generator shares its processors with what it measures. Reusable says whether the connection may
// carry another request.
func readAnswer(reader *bufio.Reader) (a answer, reusable bool, err error) {
	var frame framing
	for a.status < http.StatusOK { // Those below announce another one.
		if a, frame, err = readHead(reader); err != nil {
			return answer{}, false, err
		}
	}
	if err := skipBody(reader, a.status, frame); err != nil {
		return answer{}, false, fmt.Errorf("read body of the answer: %w", err)
	}
	if reader.Buffered() > 0 {
		return answer{}, false, errTooMuch
	}
	return a, !frame.closing, nil
}

func readHead(reader *bufio.Reader) (a answer, frame framing, err error) {
	line, err := readLine(reader)
	if err != nil {
		return a, frame, fmt.Errorf("read answer: %w", err)
	}
	if a.status, err = statusOf(line); err != nil {
		return a, frame, err
	}
	frame.length = -1
	for range maxHeadLines {
		line, err := readLine(reader)
		if err != nil {
			return a, frame, fmt.Errorf("read head of the answer: %w", err)
		}
		if len(line) == 0 {
			frame.closing = frame.closing || frame.length < 0 && !frame.chunked && hasBody(a.status)
			return a, frame, nil
		}
		if err := readField(line, &a, &frame); err != nil {
			return a, frame, err
		}
	}
	return a, frame, errLongHead
}

// readLine returns a line without its end. It is valid until the next read.
func readLine(reader *bufio.Reader) ([]byte, error) {
	line, err := reader.ReadSlice('\n')
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return bytes.TrimRight(line, "\r\n"), err
}

func statusOf(line []byte) (int, error) {
	const before = len("HTTP/1.1 ")
	if len(line) < before+3 || string(line[:before]) != "HTTP/1.1 " {
		return 0, errNoHTTP
	}
	status, err := strconv.Atoi(string(line[before : before+3]))
	if err != nil || status < 100 {
		return 0, errNoHTTP
	}
	return status, nil
}

func readField(line []byte, a *answer, frame *framing) (err error) {
	name, value, found := bytes.Cut(line, []byte(":"))
	if !found {
		return errNoHTTP
	}
	value = bytes.TrimSpace(value)
	switch {
	case isField(name, "Content-Length"):
		frame.length, err = strconv.ParseInt(string(value), 10, 64)
		if err == nil && frame.length < 0 {
			err = errNoHTTP
		}
	case isField(name, "Transfer-Encoding"):
		frame.chunked = bytes.EqualFold(value, []byte("chunked"))
	case isField(name, "Connection"):
		frame.closing = bytes.EqualFold(value, []byte("close"))
	case isField(name, HeaderReceipt):
		a.receipt, err = strconv.ParseUint(string(value), 10, 64)
	}
	if err != nil {
		return fmt.Errorf("read header %s of the answer: %w", name, err)
	}
	return nil
}

func isField(name []byte, wanted string) bool {
	return len(name) == len(wanted) && bytes.EqualFold(name, []byte(wanted))
}

func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

func skipBody(reader *bufio.Reader, status int, frame framing) error {
	switch {
	case !hasBody(status):
		return nil
	case frame.chunked:
		return skipChunks(reader)
	case frame.length >= 0:
		return skip(reader, frame.length)
	default:
		_, err := io.Copy(io.Discard, reader)
		return err
	}
}

func skip(reader *bufio.Reader, length int64) error {
	_, err := reader.Discard(int(length))
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// skipChunks reads a chunked body and its trailer. Source: RFC 9112, section 7.1.
func skipChunks(reader *bufio.Reader) error {
	for {
		line, err := readLine(reader)
		if err != nil {
			return err
		}
		digits, _, _ := bytes.Cut(line, []byte(";"))
		size, err := strconv.ParseInt(string(bytes.TrimSpace(digits)), 16, 32)
		if err != nil || size < 0 {
			return fmt.Errorf("read size of a chunk %q: %w", line, errNoHTTP)
		}
		if size == 0 {
			return skipTrailer(reader)
		}
		if err := skip(reader, size); err != nil {
			return err
		}
		if line, err := readLine(reader); err != nil || len(line) > 0 {
			return errors.Join(errNoHTTP, err)
		}
	}
}

func skipTrailer(reader *bufio.Reader) error {
	for range maxHeadLines {
		if line, err := readLine(reader); err != nil || len(line) == 0 {
			return err
		}
	}
	return errLongHead
}
