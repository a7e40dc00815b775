// Package greenapi calls the methods of GREEN-API's HTTP API: those that hand out notifications, those that send, and those
// that tell and change how an instance is set up. Handlers use it through worker/greenapi, which knows the accounts of the
// configuration and makes verdicts of errors.
//
// The token of an instance is a part of every URL. Nothing that this package returns has it in it: no error, also none of
// net/http, and no text of an answer.
//
// Where to look:
//
//	client.go    a client of one instance, and how it asks
//	errors.go    what can be wrong, in the words of GREEN-API's documentation
//	receive.go   receiveNotification, deleteNotification
//	account.go   getSettings, setSettings, getStateInstance, getWebhooksCount
//	send.go      sendMessage and the other methods that put something into a chat; readChat, checkWhatsapp
//	journal.go   what waits to be sent and what was sent: showMessagesQueue, lastOutgoingMessages
//	pace.go      no more requests a second than are allowed
//
// Source: https://green-api.com/en/docs/api/
package greenapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// DefaultURL is the host for instances without one of their own.
const DefaultURL = "https://api.green-api.com"

const (
	// answerTimeout is how long an answer may take beyond the time for which the API was asked to wait.
	answerTimeout = 15 * time.Second
	// maxAnswer bounds the answers of everything but receiveNotification, in bytes.
	maxAnswer = 1 << 20
	// maxReason bounds how much of a refusal is kept, in bytes.
	maxReason = 200
)

// Account is an instance of GREEN-API and where it is reached.
type Account struct {
	// Instance is the number of the instance, as text of digits.
	Instance string
	// URL is the API's, with or without /v3 behind it; empty means DefaultURL.
	URL string
	// Token is the instance's apiTokenInstance.
	Token string
}

// Client calls the API for one instance. It is safe for concurrent use.
type Client struct {
	account Account
	options Options
	base    string
	http    *http.Client
}

// Options are what a client does beside asking. The zero value is nothing.
type Options struct {
	// Pace keeps the client within the rates that GREEN-API documents, and below them while it refuses for too many requests.
	// Nil asks at once.
	Pace *Pace
	// Wrap is given every error before it is returned, such as to say what it means to the caller. Nil leaves it as it is.
	Wrap func(*Error) error
}

// New makes a client. The transport is shared by many clients, so that it decides how many connections there are; nil means
// http.DefaultTransport. Redirects are not followed: one would carry the token to another host.
func New(account Account, transport http.RoundTripper) (*Client, error) {
	return NewWith(account, transport, Options{})
}

// NewWith is New with options.
func NewWith(account Account, transport http.RoundTripper, options Options) (*Client, error) {
	if account.URL == "" {
		account.URL = DefaultURL
	}
	if err := CheckURL(account.URL); err != nil {
		return nil, fmt.Errorf("address of the API: %w", err)
	}
	if account.Token == "" {
		return nil, fmt.Errorf("instance %s has no token", account.Instance)
	}
	return &Client{
		account: account, options: options,
		base: strings.TrimRight(account.URL, "/") + "/waInstance" + url.PathEscape(account.Instance) + "/",
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// CheckURL reports what is wrong with an address of the API: it must be https, or on this machine.
func CheckURL(text string) error {
	parsed, err := url.Parse(text)
	switch {
	case err != nil || parsed.Host == "" || parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "":
		return errors.New("is not the address of an API; write for example https://1101.api.green-api.com")
	case parsed.Scheme == "https", parsed.Scheme == "http" && isLoopback(parsed.Hostname()):
		return nil
	default:
		return errors.New("must begin with https://, since the token is in every request")
	}
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// Instance returns the number of the instance.
func (c *Client) Instance() string { return c.account.Instance }

// Host returns the API's host, for people.
func (c *Client) Host() string {
	parsed, err := url.Parse(c.account.URL)
	if err != nil {
		return ""
	}
	return parsed.Host
}

// call is one request. Suffix is what follows the token in the path, query what follows a question mark.
type call struct {
	verb, method  string
	suffix, query string
	body          []byte
	// wait is for how long the API was asked to wait, limit how large its answer may be.
	wait  time.Duration
	limit int64
	// remote is set to the address that answers, where it is not nil.
	remote *string
}

// do sends the request and returns the whole answer of status 200. Every error is an *Error, in what Options.Wrap makes of it.
func (c *Client) do(ctx context.Context, call call) ([]byte, error) {
	answer, failure := c.paced(ctx, call)
	if failure != nil {
		return nil, c.wrap(failure)
	}
	return answer, nil
}

// paced waits for the method's turn. Where that comes too late for the caller, it is refused at once.
func (c *Client) paced(ctx context.Context, call call) ([]byte, *Error) {
	pace := c.options.Pace
	if pace == nil {
		return c.exchange(ctx, call)
	}
	if wait, err := pace.wait(ctx, call.method); err != nil {
		failure := c.failed(call, 0, err)
		if wait > 0 {
			failure.Reason, failure.RetryAfter = TooManyRequests, wait
		}
		return nil, failure
	}
	answer, failure := c.exchange(ctx, call)
	pace.done(call.method, failure)
	return answer, failure
}

// exchange sends the request and reads the answer.
func (c *Client) exchange(ctx context.Context, call call) ([]byte, *Error) {
	ctx, cancel := context.WithTimeout(ctx, call.wait+answerTimeout)
	defer cancel()
	var remote string
	var written atomic.Bool // Once any of it is, nobody knows what came of it.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:          func(got httptrace.GotConnInfo) { remote, _, _ = net.SplitHostPort(got.Conn.RemoteAddr().String()) },
		WroteHeaderField: func(string, []string) { written.Store(true) },
	})
	request, err := http.NewRequestWithContext(ctx, call.verb, c.address(call), bytes.NewReader(call.body))
	if err != nil {
		return nil, c.failed(call, 0, err)
	}
	if call.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		failure := c.failed(call, 0, err)
		failure.MayBeDone = written.Load()
		return nil, failure
	}
	defer response.Body.Close()
	if call.remote != nil {
		*call.remote = remote
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, call.limit+1))
	switch {
	case response.StatusCode != http.StatusOK:
		return nil, c.refused(call, response, answer)
	case err != nil:
		failure := c.failed(call, response.StatusCode, err)
		failure.MayBeDone = true
		return nil, failure
	case int64(len(answer)) > call.limit:
		return nil, c.unreadable(call.method, "the answer has more than "+strconv.FormatInt(call.limit, 10)+" bytes", answer)
	}
	return answer, nil
}

func (c *Client) address(call call) string {
	return c.base + call.method + "/" + url.PathEscape(c.account.Token) + call.suffix + call.query
}

// ask calls a method and reads its answer as JSON.
func (c *Client) ask(ctx context.Context, call call, answer any) error {
	if call.limit == 0 {
		call.limit = maxAnswer
	}
	text, err := c.do(ctx, call)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return c.wrap(c.unreadable(call.method, "the answer is not what is documented", text))
	}
	return nil
}

// unreadable is the error of an answer of status 200 that says nothing. What was asked for is most likely done.
func (c *Client) unreadable(method, text string, answer []byte) *Error {
	return &Error{
		Reason: Unreadable, Method: method, Status: http.StatusOK, Text: text, MayBeDone: true,
		Answer: c.masked(string(answer[:min(len(answer), maxReason)])),
	}
}

// wrap returns an error as the caller wants it.
func (c *Client) wrap(failure *Error) error {
	if c.options.Wrap != nil {
		return c.options.Wrap(failure)
	}
	return failure
}

// masked takes the token out of a text, whichever way it is written there.
func (c *Client) masked(text string) string {
	const mask = "[token]"
	text = strings.ReplaceAll(text, c.account.Token, mask)
	return strings.ReplaceAll(text, url.PathEscape(c.account.Token), mask)
}
