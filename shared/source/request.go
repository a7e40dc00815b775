package source

import (
	"crypto/x509"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Request is what is known of a request when it has to prove where it comes from. It is not changed by verifiers.
type Request struct {
	Method string
	// Path is the whole path, Rest what follows the source's own, without slashes around it.
	Path, Rest string
	Query      url.Values
	Header     http.Header
	// Body is the body to the byte as it came, before any encoding is undone. It is nil for proofs that do not cover it.
	Body []byte
	// Remote is where the request comes from, the zero Addr when that is not known.
	Remote netip.Addr
	// Peer is the client's certificate, already verified against the gateway's authorities; nil without one.
	Peer *x509.Certificate
	// At is when the request came.
	At time.Time
}

// Draft is a request that is to be sent as a provider would.
type Draft struct {
	// URL is where to; a secret in the path is added to it.
	URL    *url.URL
	Header http.Header
	Body   []byte
	At     time.Time
}

// setDefault sets a field that nobody has set.
func (d *Draft) setDefault(name, value string) {
	if d.Header.Get(name) == "" {
		d.Header.Set(name, value)
	}
}
