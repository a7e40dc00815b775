package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"sluice.internal/shared/config"
)

// answered sends a notification over a connection that stays open, and reports whether the gateway answers it.
func answered(conn net.Conn, reader *bufio.Reader) bool {
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 2\r\n\r\n{}", hookPath, token)
	if err != nil {
		return false
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body) // What is left would be taken for the next answer.
	return err == nil && response.StatusCode == http.StatusOK
}

func TestStrangersConnectionsGiveWayToSenders(t *testing.T) {
	t.Parallel()
	settings := greenAPI()
	settings.MemoryLimit = 64 * config.MiB
	running := start(t, settings, newMemory())
	sender := running.dial(t)
	reader := bufio.NewReader(sender)
	if !answered(sender, reader) {
		t.Fatal("the sender is not answered")
	}
	most := running.MaxConnections()
	for i := range most + 100 {
		conn := running.dial(t)
		if i%2 == 0 {
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\n")
		}
	}
	running.post(t, []byte("{}")).want(t, http.StatusOK)
	if open := running.Connections(); open > most {
		t.Errorf("there are %d connections, want %d at most", open, most)
	}
	if !answered(sender, reader) {
		t.Error("the sender's connection was closed for strangers")
	}
}

func TestConnectionsLeaveFilesForTheStore(t *testing.T) {
	t.Parallel()
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	for memory, want := range map[config.Size]int{64 * config.MiB: 512, 256 * config.MiB: 2048, 0: 64 << 10} {
		settings := greenAPI()
		settings.MemoryLimit = memory
		if got := start(t, settings, newMemory()).MaxConnections(); got > min(want, int(files.Cur/2)) || got < 100 {
			t.Errorf("with %s there may be %d connections, want %d, and half of %d files at most", memory, got, want, files.Cur)
		}
	}
}

func TestSlowBodiesGiveWayToConnections(t *testing.T) {
	t.Parallel()
	settings := of("github")
	settings.MemoryLimit = 64 * config.MiB
	running := start(t, settings, newMemory())
	for range running.MaxConnections() + 10 {
		fmt.Fprintf(running.dial(t), "POST /github/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	}
	body := []byte("{}")
	running.do(t, http.MethodPost, "/github/webhook", strings.NewReader("{}"), signed(t, "github", signingSecret, body)).want(t, http.StatusOK)
}

func TestHeadersUnderWayAreBoundedTogether(t *testing.T) {
	t.Parallel()
	settings := greenAPI()
	settings.MemoryLimit = 64 * config.MiB
	running := start(t, settings, newMemory())
	most := running.MaxPendingHeaders()
	long := "POST / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: "+strings.Repeat("a", 97)+"\r\n", 150)
	for range 400 {
		fmt.Fprint(running.dial(t), long) // It may be closed already.
		// Each reader counts what it has read and only then makes room, so that a busy machine sees more for a moment.
		if pending := running.PendingHeaders(); pending > 2*most {
			t.Fatalf("%d bytes of headers are under way, want %d at most", pending, most)
		}
	}
	running.post(t, []byte("{}")).want(t, http.StatusOK)
}

func TestHeaderWithManyFieldsIsRefused(t *testing.T) {
	t.Parallel()
	running := start(t, greenAPI(), newMemory())
	running.post(t, []byte("{}"), func(request *http.Request) {
		for i := range 300 {
			request.Header.Set(fmt.Sprintf("X-%d", i), "")
		}
	}).wantRefusal(t, http.StatusRequestHeaderFieldsTooLarge, "header_too_large")
}
