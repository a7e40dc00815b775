package external

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/service"
	"sluice.internal/worker/handler"
)

const (
	// maxAnswer is how much of an answer is read, in bytes: the first line of it says in an error what was wrong.
	maxAnswer = 4 << 10
	// maxAnswerHeader bounds the header of an answer, in bytes.
	maxAnswerHeader = 64 << 10
	// maxRetryAfter is the longest delay that an answer may ask for. The worker's own bounds count as well.
	maxRetryAfter = 24 * time.Hour
)

// signing is how requests are signed: by Standard Webhooks, for which there are libraries in every language.
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
var signing = proof.Signature{ //nolint:gochecknoglobals // It is never written.
	Header: "Webhook-Signature", Separator: " ", Prefix: "v1,", Encoding: proof.EncodingBase64,
	Signed: "{id}.{timestamp}.{body}", TimestampHeader: "Webhook-Timestamp", IDHeader: "Webhook-Id", StandardWebhooks: true,
}

// endpoint is a program that listens for events.
type endpoint struct {
	url    *url.URL
	secret string // empty for requests without a signature
	proof  proof.Proof
	client *http.Client
}

// newEndpoint returns an endpoint that so many calls use at once.
func newEndpoint(address, secret string, concurrency int) (*endpoint, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("its url can't be read") // Who parsed it would repeat it, with a password in it.
	}
	signed, err := signing.Proof()
	if err != nil {
		return nil, err
	}
	if secret != "" {
		draft := proof.Draft{Header: http.Header{}, At: time.Now()}
		if err := signed.Sign(&draft, secret); err != nil {
			return nil, fmt.Errorf("its secret can't be used: %w", err)
		}
	}
	return &endpoint{url: target, secret: secret, proof: signed, client: &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: concurrency, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxAnswerHeader,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		},
		// A POST that is sent on becomes a GET, or is signed for somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// handle posts the event and returns what the answer means. The body is what the sender sent, to the byte.
func (e *endpoint) handle(ctx context.Context, event handler.Event[handler.Document]) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url.String(), bytes.NewReader(event.Raw))
	if err != nil {
		return handler.Permanent(errors.New("the url can't be posted to"))
	}
	for _, one := range describe(event) {
		request.Header.Set("Sluice-"+one.name, one.value)
	}
	request.Header.Set("User-Agent", "sluice/"+service.Version())
	request.Header.Set("Content-Type", contentType(event))
	// The key is the same for each try, so that a library that knows the standard recognises a repetition.
	request.Header.Set("Webhook-Id", printable(event.Key))
	if e.secret != "" {
		draft := proof.Draft{URL: e.url, Header: request.Header, Body: event.Raw, At: time.Now()}
		if err := e.proof.Sign(&draft, e.secret); err != nil {
			return fmt.Errorf("sign: %w", err)
		}
	}
	// The context ends with the handler's time, so that a program that hangs is waited for no longer than one in Go.
	response, err := e.client.Do(request)
	if err != nil {
		return unreached(err)
	}
	defer response.Body.Close()
	// It is read, so that the connection serves the next event; one that never ends is cut with the connection.
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil && response.StatusCode >= http.StatusMultipleChoices {
		content = nil
	}
	return verdict(response, content)
}

// contentType returns the sender's, and that of JSON where nothing is known of it.
func contentType(event handler.Event[handler.Document]) string {
	if kind := printable(event.ContentType); kind != "" {
		return kind
	}
	return "application/json"
}

// unreached leaves out the address, in which there may be a password.
func unreached(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("no answer: %w", err)
}

// verdict says what an answer means: 2xx is handled; 4xx is permanent, but for those that ask to wait; all else is tried
// again, no sooner than the answer asks for.
func verdict(response *http.Response, content []byte) error {
	status := response.StatusCode
	if status >= 200 && status < 300 {
		return nil
	}
	text := "answered " + strconv.Itoa(status)
	if line := firstLine(content); line != "" {
		text += ": " + line
	}
	if status >= 300 && status < 400 {
		text += "; it sends on to somewhere else, which is not followed: set url to where it leads"
	}
	err := errors.New(text)
	if delay, ok := retryAfter(response.Header.Get("Retry-After"), time.Now()); ok && status >= 400 && !isPermanent(status) {
		return handler.RetryAfter(delay, err)
	}
	if isPermanent(status) {
		return handler.Permanent(err)
	}
	return err
}

// isPermanent reports whether a status says that the same request would be refused again.
func isPermanent(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500
}

// retryAfter reads seconds or a date.
func retryAfter(text string, now time.Time) (time.Duration, bool) {
	if text = strings.TrimSpace(text); text == "" {
		return 0, false
	}
	var delay time.Duration
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		delay = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		delay = at.Sub(now)
	} else {
		return 0, false
	}
	return min(max(delay, 0), maxRetryAfter), true
}

// maxLine is how much of an answer's or a command's text stands in an error, in bytes.
const maxLine = 300

// firstLine returns the first line that says something, for an error.
func firstLine(content []byte) string {
	for line := range bytes.Lines(content) {
		if text := printable(strings.ToValidUTF8(string(line), "")); text != "" {
			if len(text) > maxLine {
				text = strings.ToValidUTF8(text[:maxLine], "") + "…"
			}
			return text
		}
	}
	return ""
}
