// Package request has a request as proofs see it, and what stands at a place of it: in the header, the URL or the body. It
// knows no proof. Bodies are read without parsing them as a whole, and nothing but the text that was asked for is copied.
package request

import (
	"crypto/x509"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Request is everything about a request that a proof may cover. Verifiers do not change it.
type Request struct {
	// Method is the HTTP method, in upper case.
	Method string
	// Path is the whole path. Rest is the part that follows the source's own path, without slashes around it.
	Path, Rest string
	// Query is the decoded query of the URL, RawQuery the query as it came.
	Query    url.Values
	RawQuery string
	// Header has canonical names, as net/http makes them.
	Header http.Header
	// Body is the body to the byte as it came, before any encoding is undone. It may be nil for proofs that do not cover it.
	Body []byte
	// Remote is the client's address; the zero Addr when it is not known.
	Remote netip.Addr
	// Peer is the client's certificate, already verified against the gateway's authorities; nil without one.
	Peer *x509.Certificate
	// At is the time of receipt. Tolerances and the validity of secrets are counted from it.
	At time.Time
}

// Draft is a request that is to be sent as a provider would.
type Draft struct {
	// URL is where to; a secret in the path is added to it.
	URL *url.URL
	// Header must not be nil. Sign adds to it.
	Header http.Header
	// Body is signed as it is. Where the proof belongs into it, Sign puts it there.
	Body []byte
	// At is the time of sending, which some signatures cover.
	At time.Time
}

// SetDefault sets a header field unless somebody has set it before.
func (d *Draft) SetDefault(name, value string) {
	if d.Header.Get(name) == "" {
		d.Header.Set(name, value)
	}
}

// Received returns the draft as its receiver sees it.
func (d *Draft) Received() *Request {
	r := &Request{Method: http.MethodPost, Header: d.Header, Body: d.Body, At: d.At}
	if d.URL != nil { // Few signatures cover it.
		r.Path, r.Query, r.RawQuery = d.URL.Path, d.URL.Query(), d.URL.RawQuery
	}
	return r
}

// Target returns path and query as they stand in a URL.
func (r *Request) Target() string {
	target := (&url.URL{Path: r.Path}).EscapedPath()
	if r.RawQuery != "" {
		target += "?" + r.RawQuery
	}
	return target
}

// Distinct returns the values of a header field without white space around them, equal ones once and at most two: some proxies
// double a field, as two of them or as one with a comma between. All of it is the client's, so that it is compared as any text.
func Distinct(values []string) []string {
	found := make([]string, 0, 1)
	for _, value := range values {
		value = strings.TrimSpace(value)
		if first, second, joined := strings.Cut(value, ","); joined && strings.TrimSpace(first) == strings.TrimSpace(second) {
			value = strings.TrimSpace(first)
		}
		if !slices.Contains(found, value) {
			found = append(found, value)
		}
		if len(found) > 1 {
			break
		}
	}
	return found
}
