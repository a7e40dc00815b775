package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
	"unicode"

	"sluice.internal/shared/service"
)

const (
	// longestAnswer is how much of an answer is read, in bytes.
	longestAnswer = 64 << 10
	// longestText is how much of what a receiver says goes into the ledger, in bytes.
	longestText = 200
	// idleTimeout is after how long an unused connection is closed, as the agents of Node.js do. A shorter one than
	// the receiver's avoids sending into a connection that is just being closed.
	idleTimeout = 5 * time.Second
)

// answer is what a receiver said; its status is 0 when there was none.
type answer struct {
	status                 int
	code, receipt, message string
}

// poster posts notifications as GREEN-API does: over connections that are kept, without following redirections.
type poster struct {
	client  *http.Client
	url     string
	header  http.Header
	timeout time.Duration
}

// newPoster makes a poster whose connections are its own, as many as instances send at the same time.
func newPoster(settings Settings) *poster {
	transport := settings.Transport
	if transport == nil {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(true)
		transport = &http.Transport{
			MaxIdleConnsPerHost: settings.Instances, IdleConnTimeout: idleTimeout, Protocols: protocols,
		}
	}
	header := http.Header{
		"Content-Type": {"application/json; charset=utf-8"},
		"User-Agent":   {"GREEN-API (sluice simulate " + service.Version() + ")"},
	}
	if settings.Token != "" {
		header.Set("Authorization", "Bearer "+settings.Token)
	}
	return &poster{
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		url: settings.URL, header: header, timeout: settings.Timeout,
	}
}

func (p *poster) close() { p.client.CloseIdleConnections() }

// do posts the body and waits for the whole answer. Fault is what goes wrong on the way, empty for nothing. The error says in a few
// words why there is no answer.
func (p *poster) do(ctx context.Context, body []byte, fault string) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout, fmt.Errorf("no answer within %s", p.timeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	request.Header = p.header.Clone()
	if fault != "" {
		var release func()
		request, release = spoil(request, fault, body)
		defer release()
	}
	response, err := p.client.Do(request)
	if err != nil {
		if fault == LineLose && errors.Is(err, context.Canceled) && ctx.Err() == nil {
			err = errLost
		}
		return answer{}, explain(ctx, err)
	}
	defer response.Body.Close() // Read to its end, so that the connection serves the next one.
	content, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return answer{}, explain(ctx, err)
	}
	return read(response, content), nil
}

// read takes from an answer what is of interest. That of another server than Sluice's has only its status.
func read(response *http.Response, content []byte) answer {
	a := answer{status: response.StatusCode, receipt: clean(response.Header.Get("Sluice-Receipt"))}
	if a.status == http.StatusOK {
		return a
	}
	var document struct{ Code, Message string }
	if json.Unmarshal(content, &document) == nil {
		a.code, a.message = clean(document.Code), clean(document.Message)
	}
	if a.message == "" {
		a.message = http.StatusText(a.status)
	}
	return a
}

// clean makes one short line of what came from outside.
func clean(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), longestText)], "")
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// explain says why there was no answer, without addresses, so that equal reasons read the same.
func explain(ctx context.Context, err error) error {
	for _, own := range []error{errCut, errLost} {
		if errors.Is(err, own) {
			return own
		}
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return errors.New("interrupted")
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	if number := syscall.Errno(0); errors.As(err, &number) {
		return number
	}
	if failed := (*net.OpError)(nil); errors.As(err, &failed) {
		return fmt.Errorf("%s: %w", failed.Op, failed.Err)
	}
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
