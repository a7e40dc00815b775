package gateway

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/netip"
)

// Handler is what the server serves with, for tests where a connection adds nothing.
func (g *Gateway) Handler() http.Handler { return g.server.Handler }

// Redact makes what is kept of a request's header.
func Redact(request *http.Request, sources []Source) map[string][]string {
	return redact(request, secretsOf(sources), &inlet{Source: sources[0]})
}

// ClientAddress reads where a request comes from.
func ClientAddress(trusted []netip.Prefix, header string, request *http.Request) netip.Addr {
	return clientAddresses{trusted: trusted, header: header}.of(request)
}

// UnverifiedTaken is how many bytes of the memory for unknown senders are taken; 0 when all of it can be had.
func (g *Gateway) UnverifiedTaken() int64 {
	const all = mostLoad / 2 // As in New, for bodies that are not larger than half of it.
	if g.unverified.room.TryAcquire(all) {
		g.unverified.room.Release(all)
		return 0
	}
	return all
}

// ParseForwardedCertificate reads what a proxy hands on.
func ParseForwardedCertificate(value string) (*x509.Certificate, error) {
	return parseForwardedCertificate(value)
}

// Refusals are counted refusals, whose minutes a test ends.
type Refusals struct{ counted refusals }

// Add counts one.
func (r *Refusals) Add() { r.counted.add() }

// Note says why the last one was refused.
func (r *Refusals) Note(cause, detail string) { r.counted.note(cause, detail) }

// Tick ends a minute.
func (r *Refusals) Tick() string { return r.counted.tick() }

// TellRises ends a minute for all sources.
func (g *Gateway) TellRises(ctx context.Context) { g.tellRises(ctx) }
