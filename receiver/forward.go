package receiver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice.internal/shared/config"
)

const (
	// forwardTimeout bounds a call of GREEN-API, with its answer.
	forwardTimeout = 2 * time.Minute
	// maxForwarded bounds what a bot sends in one request, in bytes: GREEN-API takes files of 100 MB.
	maxForwarded = 110 << 20
)

// newTransport makes the connections to GREEN-API.
func newTransport() *http.Transport {
	const dialTimeout = 10 * time.Second
	return &http.Transport{
		DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext, TLSHandshakeTimeout: dialTimeout,
		MaxIdleConnsPerHost: 100, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
	}
}

// guarded are methods that take the account away from everybody. They are handed on for bots that may do all.
var guarded = []string{
	"reboot", "logout", "qr", "scanqrcode", "getAuthorizationCode", "startAuthorization", "sendAuthorizationCode",
	"sendAuthorizationPassword", "updateApiToken", "createInstance", "deleteInstanceAccount",
}

// notForwarded says why a call is not handed on, empty when it is.
func (r *Receiver) notForwarded(c call) string {
	switch {
	case c.bot.Forward == config.ForwardNone:
		return "Sluice hands nothing on for this bot (bots.NAME.forward)."
	case r.account(c.bot, c.instance).Token == config.Secret{}:
		return "Sluice has no token of this instance (sources.NAME.instances.ID.token_file)."
	case c.bot.Forward != config.ForwardAll && slices.Contains(guarded, c.method):
		return "Sluice hands this method on only for a bot with forward: all."
	default:
		return ""
	}
}

// forward hands a call on to GREEN-API with the instance's own token, and its answer back. It is not repeated: a message that
// is sent again is two messages.
func (r *Receiver) forward(w http.ResponseWriter, c call) {
	if why := r.notForwarded(c); why != "" {
		sentence(w, http.StatusNotImplemented, why)
		return
	}
	response, err := r.ask(c.request.Context(), c, http.MaxBytesReader(w, c.request.Body, maxForwarded), c.request.ContentLength)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		empty(w, http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		r.noUpstream(w, c, err)
		return
	}
	defer response.Body.Close()
	for _, name := range []string{"Content-Type", "Location", "Retry-After", "Content-Disposition"} {
		if value := response.Header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	if response.ContentLength >= 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(response.ContentLength, 10))
	}
	w.WriteHeader(response.StatusCode)
	if _, err := io.Copy(w, response.Body); err != nil {
		panic(http.ErrAbortHandler) // What is there is not all, and the client has to see that.
	}
}

// noUpstream answers that GREEN-API was not reached.
func (r *Receiver) noUpstream(w http.ResponseWriter, c call, err error) {
	if asked := (*url.Error)(nil); errors.As(err, &asked) {
		err = asked.Err // The URL has the token in it.
	}
	if c.request.Context().Err() == nil {
		r.log.Warn("GREEN-API not reached for a bot", "bot", c.bot.Name, "instance", c.instance, "method", c.method, "error", err)
	}
	empty(w, http.StatusBadGateway)
}

// ask sends a call on with that body, whose length is -1 where it is not known.
func (r *Receiver) ask(ctx context.Context, c call, body io.Reader, length int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, c.request.Method, r.upstreamURL(c), body) //nolint:gosec // The host is configured.
	if err != nil {
		return nil, err
	}
	if request.ContentLength = length; length == 0 {
		request.Body = http.NoBody
	}
	for name, values := range c.request.Header {
		if travels(name) {
			request.Header[name] = values
		}
	}
	return r.upstream.Do(request) //nolint:gosec // As above.
}

// askJSON sends a call on with a small body and returns a small answer of status 200.
func (r *Receiver) askJSON(c call, body []byte) ([]byte, error) {
	response, err := r.ask(c.request.Context(), c, bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err == nil && response.StatusCode != http.StatusOK {
		err = &statusError{response.StatusCode}
	}
	return answer, err
}

// maxAnswer bounds answers that are read here, in bytes.
const maxAnswer = 1 << 20

// statusError is an answer of GREEN-API with another status than 200.
type statusError struct{ status int }

func (e *statusError) Error() string { return "status " + strconv.Itoa(e.status) }

// travels reports whether a field of the request goes on to GREEN-API: not what is about this connection, this server or who
// asks.
func travels(name string) bool {
	switch name {
	case "Authorization", "Cookie", "Connection", "Keep-Alive", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Forwarded", "X-Real-Ip", "Content-Length", "Accept-Encoding", "Expect":
		return false
	default:
		return !strings.HasPrefix(name, "X-Forwarded-")
	}
}

// upstreamURL is where a call goes on to: files to a host of their own.
func (r *Receiver) upstreamURL(c call) string {
	account := r.account(c.bot, c.instance)
	base := strings.TrimRight(account.APIURL, "/")
	if c.method == "uploadFile" || c.method == "sendFileByUpload" {
		base = strings.TrimRight(account.MediaURL, "/")
		if base == "" {
			base = mediaURL(account.APIURL)
		}
	}
	if !strings.HasSuffix(base, c.prefix) {
		base += c.prefix
	}
	address := base + "/waInstance" + c.instance + "/" + c.asked + "/" + url.PathEscape(account.Token.Reveal())
	if c.rest != "" {
		address += "/" + c.rest
	}
	if query := c.request.URL.RawQuery; query != "" {
		address += "?" + query
	}
	return address
}

// mediaURL is the address for files that belongs to an API's. Source: GREEN-API's console shows apiUrl and mediaUrl as
// https://1101.api.green-api.com and https://1101.media.green-api.com.
func mediaURL(api string) string {
	address := strings.TrimRight(api, "/")
	if named, ok := strings.CutPrefix(address, "https://api."); ok {
		return "https://media." + named
	}
	return strings.Replace(address, ".api.", ".media.", 1)
}
