package gateway

import (
	"net/http"
	"net/netip"
)

// Handler is what the server serves with, for tests where a connection adds nothing.
func (g *Gateway) Handler() http.Handler { return g.server.Handler }

// Redact makes what is kept of a request's header.
func Redact(request *http.Request, sources []Source) map[string][]string {
	return redact(request, secretsOf(sources))
}

// ClientAddress reads where a request comes from.
func ClientAddress(trusted []netip.Prefix, header string, request *http.Request) netip.Addr {
	return clientAddresses{trusted: trusted, header: header}.of(request)
}
