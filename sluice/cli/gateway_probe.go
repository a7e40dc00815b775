package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"sluice.internal/sluice/cli/term"
)

// probeTimeout is a little longer than the gateway takes for its readiness check, so that a gateway whose store does not
// answer says so itself.
const probeTimeout = 3 * time.Second

// gatewayState says whether a gateway is ready, for the last line of a status.
type gatewayState struct {
	url     string
	failure error // why it is not; nil when it is
}

func (g *gatewayState) String() string {
	if g.failure != nil {
		return g.failure.Error()
	}
	return "ready"
}

// probe asks a gateway whether it is ready.
func probe(ctx context.Context, address string) *gatewayState {
	return &gatewayState{url: address, failure: askReady(ctx, address)}
}

// askReady returns nil when the gateway takes notifications in, else why it does not, in words for a person.
func askReady(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, probeTimeout, fmt.Errorf("it did not answer within %s", probeTimeout))
	defer cancel()
	client := newClient()
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/readyz", nil)
	if err != nil {
		return errors.New("its address is no URL")
	}
	response, err := client.Do(request)
	if err != nil {
		return explain(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	content, _ := io.ReadAll(io.LimitReader(response.Body, maxResponseBytes)) // What came is enough.
	var document struct{ Message string }
	if json.Unmarshal(content, &document) != nil || document.Message == "" {
		document.Message = http.StatusText(response.StatusCode)
	}
	return fmt.Errorf("not ready: it answered %d, %s", response.StatusCode, term.Shorten(term.Printable(document.Message), maxMessageRunes))
}

// newClient makes a client with connections of its own. It follows no redirection, since a provider would not
// send to somewhere else either, and no proxy, whose variables are the process's.
func newClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 1},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// explain says in a few words why a request got no answer. The usual error has the method and the URL in it, and there may
// be a secret in a URL's path.
func explain(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, context.Canceled):
		return errors.New("interrupted")
	case cause != nil:
		return cause
	}
	if failed := (*net.OpError)(nil); errors.As(err, &failed) && errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nothing listens at %s; is `sluice up` running?", failed.Addr)
	}
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
