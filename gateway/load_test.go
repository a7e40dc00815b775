package gateway_test

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"
)

func TestBodiesUnderWayAreBoundedTogether(t *testing.T) {
	t.Parallel()
	running := start(t, greenAPI(), newMemory())
	// Each may become as long as the limit, so sixteen of them take all the memory there is for bodies.
	var slow []net.Conn
	for range 16 {
		conn := running.dial(t)
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", hookPath, token)
		slow = append(slow, conn)
	}
	until(t, func() bool {
		answer := running.post(t, []byte("{}"))
		if answer.StatusCode == http.StatusOK {
			return false // Not all of the slow ones have arrived.
		}
		if after := answer.wantRefusal(t, http.StatusServiceUnavailable, "store_busy").Header.Get("Retry-After"); after != "5" {
			t.Errorf("Retry-After is %q", after)
		}
		return true
	})
	for _, conn := range slow {
		_ = conn.Close()
	}
	until(t, func() bool { return running.post(t, []byte("{}")).StatusCode == http.StatusOK })
}

// until tries again until the condition holds.
func until(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}
