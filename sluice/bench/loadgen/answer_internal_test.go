package loadgen

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestAnswersAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sent     string
		status   int
		receipt  uint64
		reusable bool
	}{
		"of a gateway": {
			sent:   "HTTP/1.1 200 OK\r\nSluice-Receipt: 17\r\nContent-Length: 33\r\n\r\n{\"status\":\"stored\",\"receipt\":17}\n",
			status: 200, receipt: 17, reusable: true,
		},
		"with other spelling": {
			sent:   "HTTP/1.1 200\r\nsluice-receipt:18\r\nCONTENT-LENGTH:  2 \r\n\r\n{}",
			status: 200, receipt: 18, reusable: true,
		},
		"without a body": {
			sent: "HTTP/1.1 204 No Content\r\nSluice-Receipt: 1\r\n\r\n", status: 204, receipt: 1, reusable: true,
		},
		"in chunks": {
			sent: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
				"5\r\nhello\r\n1e;name=value\r\n" + strings.Repeat("x", 30) + "\r\n0\r\nTrailer: 1\r\n\r\n",
			status: 200, reusable: true,
		},
		"that ends the connection": {
			sent: "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbusy", status: 503,
		},
		"to the end of the connection": {sent: "HTTP/1.1 200 OK\r\n\r\nall of it", status: 200},
		"after others that announce it": {
			sent:   "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			status: 200, reusable: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, reusable, err := readAnswer(bufio.NewReader(strings.NewReader(test.sent)))
			if err != nil || got != (answer{test.status, test.receipt}) || reusable != test.reusable {
				t.Errorf("read %+v, reusable %t, error %v", got, reusable, err)
			}
		})
	}
}

func TestAnswersThatAreNoneAreErrors(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, test := range map[string]struct {
		sent string
		want error
	}{
		"nothing":                     {"", io.ErrUnexpectedEOF},
		"garbage":                     {"SSH-2.0-OpenSSH_9.6\r\n", errNoHTTP},
		"another version":             {"HTTP/1.0 200 OK\r\n\r\n", errNoHTTP},
		"no status":                   {"HTTP/1.1 abc OK\r\n\r\n", errNoHTTP},
		"a status too small":          {"HTTP/1.1 007 OK\r\n\r\n", errNoHTTP},
		"no end of the head":          {ok + "Content-Length: 0\r\n", io.ErrUnexpectedEOF},
		"a head without end":          {ok + strings.Repeat("X: y\r\n", 10_000), errLongHead},
		"a line without end":          {ok + strings.Repeat("x", 10_000), bufio.ErrBufferFull},
		"no header":                   {ok + "Content-Length\r\n\r\n", errNoHTTP},
		"half a body":                 {ok + "Content-Length: 10\r\n\r\nhalf", io.ErrUnexpectedEOF},
		"a negative length":           {ok + "Content-Length: -1\r\n\r\n", errNoHTTP},
		"half a chunk":                {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhe", io.ErrUnexpectedEOF},
		"a chunk of no size":          {ok + "Transfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n0\r\n\r\n", errNoHTTP},
		"a chunk longer than it said": {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n", errNoHTTP},
		"a trailer without end":       {ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n", io.ErrUnexpectedEOF},
		"more than the answer":        {ok + "Content-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n", errTooMuch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, reusable, err := readAnswer(bufio.NewReader(strings.NewReader(test.sent))); !errors.Is(err, test.want) || reusable {
				t.Errorf("error %v, want %v; reusable %t", err, test.want, reusable)
			}
		})
	}
}

func TestReceiptThatIsNoNumberIsAnError(t *testing.T) {
	t.Parallel()
	_, _, err := readAnswer(bufio.NewReader(strings.NewReader("HTTP/1.1 200 OK\r\nSluice-Receipt: many\r\n\r\n")))
	if err == nil || !strings.Contains(err.Error(), "Sluice-Receipt") {
		t.Errorf("error %v", err)
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nSluice-Receipt: 17\r\nContent-Length: 2\r\n\r\n{}")
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
	f.Add("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503\r\nConnection: close\r\n\r\nbusy")
	f.Fuzz(func(t *testing.T, sent string) {
		got, reusable, err := readAnswer(bufio.NewReader(strings.NewReader(sent)))
		if err == nil && (got.status < 200 || got.status > 999) || err != nil && reusable {
			t.Errorf("read %+v, reusable %t, error %v", got, reusable, err)
		}
	})
}
