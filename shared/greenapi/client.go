// Package greenapi calls the methods of GREEN-API's HTTP API that Sluice needs: those that hand out notifications, and those
// that tell and change how an instance is set up.
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
	base    string
	http    *http.Client
}

// New makes a client. The transport is shared by many clients, so that it decides how many connections there are; nil means
// http.DefaultTransport. Redirects are not followed: one would carry the token to another host.
func New(account Account, transport http.RoundTripper) (*Client, error) {
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
		account: account, base: strings.TrimRight(account.URL, "/") + "/waInstance" + url.PathEscape(account.Instance) + "/",
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

// do sends the request and returns the whole answer of status 200. Every error is an *Error.
func (c *Client) do(ctx context.Context, call call) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, call.wait+answerTimeout)
	defer cancel()
	var remote string
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) { remote, _, _ = net.SplitHostPort(got.Conn.RemoteAddr().String()) },
	})
	address := c.base + call.method + "/" + url.PathEscape(c.account.Token) + call.suffix + call.query
	request, err := http.NewRequestWithContext(ctx, call.verb, address, bytes.NewReader(call.body))
	if err != nil {
		return nil, c.failed(call, 0, err)
	}
	if call.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.failed(call, 0, err)
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
		return nil, c.failed(call, response.StatusCode, err)
	case int64(len(answer)) > call.limit:
		return nil, &Error{
			Reason: Unreadable, Method: call.method, Status: response.StatusCode, Answer: c.masked(string(answer[:maxReason])),
			Text: "the answer has more than " + strconv.FormatInt(call.limit, 10) + " bytes",
		}
	}
	return answer, nil
}

// ask calls a method and reads its answer as JSON.
func (c *Client) ask(ctx context.Context, call call, answer any) error {
	call.limit = maxAnswer
	text, err := c.do(ctx, call)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return &Error{
			Reason: Unreadable, Method: call.method, Status: http.StatusOK, Text: "the answer is not what is documented",
			Answer: c.masked(string(text[:min(len(text), maxReason)])),
		}
	}
	return nil
}

// masked takes the token out of a text, whichever way it is written there.
func (c *Client) masked(text string) string {
	const mask = "[token]"
	text = strings.ReplaceAll(text, c.account.Token, mask)
	return strings.ReplaceAll(text, url.PathEscape(c.account.Token), mask)
}
