package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"sluice.internal/shared/config"
)

var errHealthcheck = errors.New("the health was asked for")

const (
	// healthTimeout is more than a readiness check takes, and less than what container runtimes wait.
	healthTimeout = adminTimeout + time.Second
	// maxHealthBody bounds what is read of an answer, as anything may listen there.
	maxHealthBody = 4 << 10
)

// healthcheck asks a process of the same configuration whether it is ready, and returns the exit code. It is for
// images that have neither a shell nor a program to ask with.
func (c Command) healthcheck(process Process, options config.Options) int {
	cfg, err := config.Load(options)
	if err == nil {
		err = AskReady(context.Background(), cfg.Admin.Listen)
	}
	if err != nil {
		fmt.Fprintf(process.Stderr, "%s: %v\n", c.Name, err)
		return ExitFailed
	}
	fmt.Fprintln(process.Stdout, "ready")
	return ExitOK
}

// AskReady asks the health checks of the process on this host that listens on that address. It returns nil when the
// process is ready, else why it is not or can't be asked.
func AskReady(ctx context.Context, listen string) error {
	url, err := readyURL(listen)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // Without a proxy: it is this host.
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	var answer struct {
		Message string `json:"message"`
	}
	// An answer that can't be read is as unhealthy as one that can.
	_ = json.NewDecoder(io.LimitReader(response.Body, maxHealthBody)).Decode(&answer)
	return fmt.Errorf("not ready, status %d: %s", response.StatusCode, answer.Message)
}

// readyURL is where the process that listens there is to be asked from the same host.
func readyURL(listen string) (string, error) {
	if listen == "" {
		return "", errors.New("there is nobody to ask: admin.listen is empty; set it, for example to 127.0.0.1:9090")
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("read admin.listen: %w", err)
	}
	if address, err := netip.ParseAddr(host); host == "" || err == nil && address.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/readyz", nil
}
