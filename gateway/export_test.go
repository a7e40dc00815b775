package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"

	"sluice.internal/shared/config"
)

// Handler is what the server serves with, for tests where a connection adds nothing.
func (g *Gateway) Handler() http.Handler { return g.server.Handler }

// BodiesTaken is how many bytes of the memory for bodies are taken, and BodiesPeak the most that ever were.
func (g *Gateway) BodiesTaken() int64 { return g.bodies.Taken() }

// BodiesPeak is the most bytes of the memory for bodies that were ever taken.
func (g *Gateway) BodiesPeak() int64 { return g.bodies.Peak() }

// Connections is how many connections there are, and MaxConnections how many there may be.
func (g *Gateway) Connections() int { return g.connections.Usage().Connections }

// MaxConnections is how many connections there may be.
func (g *Gateway) MaxConnections() int { return g.connections.Limits().Connections }

// PendingHeaders is how many bytes of headers are under way, and MaxPendingHeaders how many may be.
func (g *Gateway) PendingHeaders() int64 { return g.connections.Usage().Headers }

// MaxPendingHeaders is how many bytes of headers may be under way.
func (g *Gateway) MaxPendingHeaders() int64 { return g.connections.Limits().Headers }

// ParseForwardedCertificate reads what a proxy hands on.
func ParseForwardedCertificate(value string) (*x509.Certificate, error) {
	return parseForwardedCertificate(value)
}

// RefusalCode is the code that an error is answered with.
func RefusalCode(err error) string { return refusalFor(err).code }

// ServerCertificate returns what gives the certificate to each connection.
func ServerCertificate(files config.ServerTLS, log *slog.Logger) (get func() (*tls.Certificate, error), err error) {
	kept, err := newServerCertificate(files, log)
	return func() (*tls.Certificate, error) { return kept.get(nil) }, err
}
