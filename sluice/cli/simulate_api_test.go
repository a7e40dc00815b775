package cli_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/greenapi"
)

// The API that is played hands out what the simulator makes up, to a client as Sluice's poller has it.
func TestSimulatorPlaysTheHTTPAPI(t *testing.T) {
	t.Parallel()
	const token = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := greenapi.New(greenapi.Account{Instance: "1101000001", URL: "http://" + address, Token: token}, transport)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan result, 1)
	go func() {
		ended <- run(t, "simulate", "--api", address, "--token-file", file, "--instances=1", "--count=5", "--seed=3",
			"--duplicates=0", "--fault=receiveNotification=502:0.3", "--empty=none")
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	received, failed := 0, 0
	for received < 5 && ctx.Err() == nil {
		head, err := client.Receive(ctx, 5*time.Second, 1<<20)
		if err != nil || head == nil {
			failed++
			<-time.After(5 * time.Millisecond) // At first nobody listens.
			continue
		}
		if deleted, err := client.Delete(ctx, head.Receipt); err == nil && deleted {
			received++
		}
	}
	got := <-ended
	if received != 5 || got.code != 0 || !strings.Contains(got.stderr, "GREEN-API is played at http://"+address+" for instances 1101000001.") {
		t.Errorf("%d received, %d failed, got %+v", received, failed, got)
	}
}

// freeAddress is one on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestAPIIsPlayedForThisMachineAlone(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{
		"--api=0.0.0.0:1":                             "must be on this machine",
		"--api=nowhere":                               "is not an address",
		"--limits":                                    "need --api",
		"--fault=getSettings=500":                     "--fault needs --api",
		"--fault=webhook=html":                        "there is no fault \"html\" on the way",
		"--fault=webhook=cut:2":                       "must be a part",
		"--api=127.0.0.1:1 --fault=webhook=cut":       "for what is posted",
		"--api=127.0.0.1:1 --fault=x":                 "write METHOD=NAME",
		"--api=127.0.0.1:1 --fault=getSettings=500:2": "must be a part",
	} {
		if got := run(t, append([]string{"simulate"}, strings.Fields(flags)...)...); got.code != 2 || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: %+v, want %s", flags, got, want)
		}
	}
}
