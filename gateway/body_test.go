package gateway_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice.internal/gateway"
)

const smallLimit = 1000

func limited() gateway.Settings {
	settings := greenAPI()
	settings.BodyLimit = smallLimit
	return settings
}

func packed(parts ...string) []byte {
	var all bytes.Buffer
	for _, part := range parts {
		writer := gzip.NewWriter(&all)
		_, _ = writer.Write([]byte(part))
		_ = writer.Close()
	}
	return all.Bytes()
}

// unsized hides a body's length, so that it is sent in chunks.
type unsized struct{ io.Reader }

func TestBodyMayBeAsLargeAsTheLimit(t *testing.T) {
	t.Parallel()
	full, over := strings.Repeat("x", smallLimit), strings.Repeat("x", smallLimit+1)
	gzipped := header("Content-Encoding", "gzip")
	plain := header("X-Plain", "yes")
	for sentence, test := range map[string]struct {
		body   io.Reader
		change func(*http.Request)
		status int
	}{
		"at the limit":                      {strings.NewReader(full), plain, 200},
		"at the limit, in chunks":           {unsized{strings.NewReader(full)}, plain, 200},
		"at the limit, unpacked":            {bytes.NewReader(packed(full)), gzipped, 200},
		"at the limit, in two members":      {bytes.NewReader(packed(full[:400], full[400:])), gzipped, 200},
		"over it":                           {strings.NewReader(over), plain, 413},
		"over it, in chunks":                {unsized{strings.NewReader(over)}, plain, 413},
		"far over it, in chunks":            {unsized{io.LimitReader(zeros{}, 1<<20)}, plain, 413},
		"over it, unpacked":                 {bytes.NewReader(packed(over)), gzipped, 413},
		"over it, unpacked, in two members": {bytes.NewReader(packed(full, "x")), gzipped, 413},
		"a bomb":                            {bytes.NewReader(packed(strings.Repeat("x", 900_000))), gzipped, 413},
		"over it, and no gzip either":       {strings.NewReader(over), gzipped, 413},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			store := newMemory()
			running := start(t, limited(), store)
			answer := running.do(t, http.MethodPost, hookPath, test.body, test.change).want(t, test.status)
			if test.status == 413 {
				answer.wantRefusal(t, 413, "body_too_large")
				return
			}
			if got := store.only(t); string(got.Body) != full || got.ContentEncoding != "" {
				t.Errorf("stored %d bytes in %q", len(got.Body), got.ContentEncoding)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestLengthBeyondTheLimitIsRefusedBeforeTheBodyIsRead(t *testing.T) {
	t.Parallel()
	conn := start(t, limited(), newMemory()).dial(t)
	// Expect tells that the body was not asked for; nothing of it is ever sent.
	ask(t, conn, "Content-Length: 1001", "Expect: 100-continue")
	readAnswer(t, conn).wantRefusal(t, http.StatusRequestEntityTooLarge, "body_too_large")
}

func TestClientThatExpectsToContinueMay(t *testing.T) {
	t.Parallel()
	store := newMemory()
	conn := start(t, greenAPI(), store).dial(t)
	ask(t, conn, "Content-Length: 5", "Expect: 100-continue")
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatal(line, err)
	}
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	readAnswer(t, conn)
	if got := store.only(t); string(got.Body) != "hello" {
		t.Errorf("stored %q", got.Body)
	}
}

func TestClientWithoutATokenMayNotContinue(t *testing.T) {
	t.Parallel()
	conn := start(t, greenAPI(), newMemory()).dial(t)
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", hookPath)
	readAnswer(t, conn).wantRefusal(t, http.StatusUnauthorized, "unauthorized")
}

func TestBodyThatEndsEarlyIsNotStored(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct{ field, body string }{
		"shorter than said":   {"Content-Length: 10", "hello"},
		"chunks without end":  {"Transfer-Encoding: chunked", "5\r\nhello\r\n"},
		"chunks of no length": {"Transfer-Encoding: chunked", "hello\r\n"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			store := newMemory()
			conn := start(t, greenAPI(), store).dial(t)
			ask(t, conn, test.field)
			if _, err := conn.Write([]byte(test.body)); err != nil {
				t.Fatal(err)
			}
			closeWrite(t, conn)
			readAnswer(t, conn).wantRefusal(t, http.StatusBadRequest, "bad_request")
			if stored, _ := store.all(); len(stored) > 0 {
				t.Errorf("stored %q", stored[0].Body)
			}
		})
	}
}

func TestBodyThatDoesNotComeInTimeIsNotStored(t *testing.T) {
	t.Parallel()
	store, settings := newMemory(), greenAPI()
	settings.ReadTimeout = 50 * time.Millisecond
	conn := start(t, settings, store).dial(t)
	ask(t, conn, "Content-Length: 10")
	readAnswer(t, conn).wantRefusal(t, http.StatusRequestTimeout, "request_timeout")
	if stored, _ := store.all(); len(stored) > 0 {
		t.Errorf("stored %q", stored[0].Body)
	}
}

func TestRefusalDoesNotWaitForABody(t *testing.T) {
	t.Parallel()
	store, settings := newMemory(), greenAPI()
	settings.ReadTimeout = time.Hour // So that nobody who waits for the body gets an answer in time.
	conn := start(t, settings, store).dial(t)
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello", hookPath)
	readAnswer(t, conn).wantRefusal(t, http.StatusUnauthorized, "unauthorized")
	if kept := store.awaitRejection(t); string(kept.Body) != "hello" || !kept.Truncated {
		t.Errorf("kept %q, truncated %t", kept.Body, kept.Truncated)
	}
}

// ask writes the head of a request with the right token.
func ask(t *testing.T, conn net.Conn, fields ...string) {
	t.Helper()
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n%s\r\n\r\n",
		hookPath, token, strings.Join(fields, "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
}

func readAnswer(t *testing.T, conn net.Conn) reply {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response, string(body)}
}

func closeWrite(t *testing.T, conn net.Conn) {
	t.Helper()
	half, ok := conn.(*net.TCPConn)
	if !ok {
		t.Fatal("no TCP connection")
	}
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

// Python's http.client, for example, reads no answer before it has sent everything, and reports a reset connection as that.
func TestSenderWhoseBodyProvesItReadsThatItIsTooLarge(t *testing.T) {
	t.Parallel()
	settings := of("github", bodyLimit(1<<20))
	running := start(t, settings, newMemory())
	body := bytes.Repeat([]byte("x"), 12<<20)
	for sentence, head := range map[string]string{
		"with a length": fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)),
		"in chunks":     fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", len(body)),
	} {
		conn := running.dial(t)
		fmt.Fprintf(conn, "POST /github/webhook HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=00\r\n%s", head)
		if _, err := conn.Write(body); err != nil {
			t.Errorf("%s: it can't send all: %v", sentence, err)
			continue
		}
		if strings.Contains(head, "chunked") {
			fmt.Fprint(conn, "\r\n0\r\n\r\n")
		}
		readAnswer(t, conn).wantRefusal(t, http.StatusRequestEntityTooLarge, "body_too_large")
	}
}
