package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
)

// checkTarget refuses an address that events can't be posted to. What is wrong is not repeated: there may be a password in it.
func checkTarget(flag, address string) error {
	if parsed, err := url.Parse(address); err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return fmt.Errorf("%s must be an address such as http://localhost:3000/hook", flag)
	}
	return nil
}

// target is a program that events are posted to: their bodies as they came, and in the header what is known about them.
// It is somebody's own program, on a developer's machine or for a migration, so it needs no signature and no stream.
type target struct {
	client  *http.Client
	url     string
	timeout time.Duration
	// replayed says in the header that the event was handled before.
	replayed bool
}

// postResult is what the program said to an event.
type postResult struct {
	// Status is 0 when there was none; Problem says why then, else it is the beginning of an answer that is no success.
	Status  int    `json:"status,omitempty"`
	Problem string `json:"error,omitempty"`
	// Duration is in milliseconds.
	Duration float64 `json:"duration_ms"`
}

func (r postResult) isSuccess() bool { return r.Status >= 200 && r.Status < 300 }

// String is the answer for people.
func (r postResult) String() string {
	status := "-"
	if r.Status != 0 {
		status = strconv.Itoa(r.Status)
	}
	took := strconv.FormatFloat(r.Duration, 'f', 0, 64) + " ms"
	if r.Problem == "" {
		return fmt.Sprintf("%-3s  %s", status, took)
	}
	return fmt.Sprintf("%-3s  %s  %s", status, took, r.Problem)
}

// post sends an event once. Whatever goes wrong is a result and no error: the listing shows it, and a replay decides.
func (t *target) post(ctx context.Context, event *notification.Event) postResult {
	ctx, cancel := context.WithTimeoutCause(ctx, t.timeout, fmt.Errorf("no answer within %s", t.timeout))
	defer cancel()
	began := time.Now()
	status, problem := t.send(ctx, event)
	return postResult{Status: status, Problem: problem, Duration: float64(time.Since(began).Microseconds()) / 1000}
}

func (t *target) send(ctx context.Context, event *notification.Event) (status int, problem string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(event.Body))
	if err != nil {
		return 0, "its address is no URL"
	}
	t.describe(request.Header, event)
	response, err := t.client.Do(request)
	if err != nil {
		return 0, unreached(ctx, err).Error()
	}
	defer response.Body.Close() // It is read to its end, so that the connection serves the next event.
	content, err := io.ReadAll(io.LimitReader(response.Body, maxResponseBytes))
	if err != nil {
		return 0, unreached(ctx, err).Error()
	}
	if status := response.StatusCode; status < 200 || status > 299 {
		line, _, _ := bytes.Cut(bytes.TrimSpace(content), []byte("\n"))
		return status, summarize(line, status)
	}
	return response.StatusCode, ""
}

// describe writes the same fields as messages in the streams have, so that a program can later read the stream itself.
func (t *target) describe(header http.Header, event *notification.Event) {
	for name, value := range map[string]string{
		"Content-Type":          event.ContentType,
		"User-Agent":            "sluice/" + service.Version(),
		stream.HeaderKey:        event.Key,
		stream.HeaderType:       event.Type,
		stream.HeaderSource:     event.Source,
		stream.HeaderInstance:   event.Instance,
		headerSequence:          strconv.FormatUint(event.Sequence, 10),
		stream.HeaderReceivedAt: event.ReceivedAt.UTC().Format(time.RFC3339Nano),
		stream.HeaderReplayed:   map[bool]string{true: "true"}[t.replayed],
	} {
		if value != "" {
			header.Set(name, value)
		}
	}
}

const headerSequence = "Sluice-Sequence"

// unreached says in a few words why a program did not answer. It is the person's own program, so it does not ask whether
// `sluice up` is running, as explain does.
func unreached(ctx context.Context, err error) error {
	if failed := (*net.OpError)(nil); ctx.Err() == nil && errors.As(err, &failed) && errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nothing listens at %s", failed.Addr)
	}
	if err := explain(ctx, err); !errors.Is(err, io.EOF) {
		return err
	}
	return errors.New("it hung up without an answer")
}

// A program that fails is tried again after a pause that doubles between these bounds.
const (
	minPostPause = 500 * time.Millisecond
	maxPostPause = 30 * time.Second
)

// persist posts an event until it succeeds, so many times at most. The error is that of the last try, or that the
// context ended.
func (t *target) postWithRetries(ctx context.Context, event *notification.Event, tries int) error {
	pause := minPostPause
	for try := 1; ; try++ {
		got := t.post(ctx, event)
		if got.isSuccess() {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if try >= tries {
			return fmt.Errorf("%s: %s", cmp.Or(number(uint64(got.Status)), "no answer"), got.Problem) //nolint:gosec // Not negative.
		}
		if err := service.Sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, maxPostPause)
	}
}
