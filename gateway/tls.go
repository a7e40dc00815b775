package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/forwarded"
)

// setUpTLS reads the files, so that one that can't be used shows at the start. Authorities are read once: changing them
// changes who may send, and that takes a restart.
func (g *Gateway) setUpTLS() error {
	files := g.settings.TLS
	g.peers = clientCertificates{header: g.settings.ClientCertHeader, proxies: g.clients}
	if files.ClientCAFile != "" {
		text, err := os.ReadFile(files.ClientCAFile)
		if err != nil {
			return fmt.Errorf("read authorities of clients: %w", err)
		}
		g.peers.authorities = x509.NewCertPool()
		if !g.peers.authorities.AppendCertsFromPEM(text) {
			return fmt.Errorf("read authorities of clients: %q has no certificate in PEM", files.ClientCAFile)
		}
	}
	if files.CertFile == "" {
		return nil
	}
	certificate, err := newServerCertificate(files, g.log)
	g.certificate = certificate
	return err
}

// serve serves with TLS where there is a certificate.
func (g *Gateway) serve() error {
	if g.certificate == nil {
		return g.server.Serve(g.connections)
	}
	g.server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: g.certificate.get}
	if g.peers.authorities != nil {
		// A client without a certificate is served as well: it may be another source's, which proves itself otherwise.
		g.server.TLSConfig.ClientAuth, g.server.TLSConfig.ClientCAs = tls.VerifyClientCertIfGiven, g.peers.authorities
	}
	return g.server.ServeTLS(g.connections, "", "")
}

// serverCertificate is the gateway's own certificate. Its files are looked at in each handshake and read when they have
// changed, so that a renewed certificate is used without a restart. It is used concurrently.
type serverCertificate struct {
	files config.ServerTLS
	log   *slog.Logger

	mutex  sync.Mutex
	read   [2]fileState // when pair was read
	pair   *tls.Certificate
	failed bool
}

// fileState changes with a file. Both are compared: a file that is written twice within the resolution of the clock has another
// size, but for a renewal that is as long.
type fileState struct {
	modified time.Time
	size     int64
}

func newServerCertificate(files config.ServerTLS, log *slog.Logger) (*serverCertificate, error) {
	c := &serverCertificate{files: files, log: log}
	if err := c.refresh(); err != nil {
		return nil, fmt.Errorf("read the gateway's certificate: %w", err)
	}
	return c, nil
}

// get returns the certificate for a handshake. While renewed files can't be read, because only one of the two is there
// yet or half of it, the last one is shown; the operator is told once.
func (c *serverCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	err := c.refresh()
	if err != nil && !c.failed {
		c.log.Error("renewed certificate can't be read, the last one is shown", "error", err)
	}
	c.failed = err != nil
	return c.pair, nil
}

// refresh reads the files when they have changed. It looks at them before it reads, so that a change in between is found
// the next time.
func (c *serverCertificate) refresh() error {
	var found [2]fileState
	for i, name := range []string{c.files.CertFile, c.files.KeyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		found[i] = fileState{info.ModTime(), info.Size()}
	}
	if c.pair != nil && found == c.read {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.files.CertFile, c.files.KeyFile)
	if err != nil {
		return err
	}
	c.pair, c.read = &pair, found
	return nil
}

// clientCertificates finds out which certificate a client shows, here or to a proxy whose word is taken.
type clientCertificates struct {
	authorities *x509.CertPool
	header      string
	proxies     forwarded.Clients
}

// of returns a certificate that an authority vouches for, nil when there is none. What is wrong with one is not said: for
// the sender it is as if it had shown none, and a diagnosis tells the operator.
func (c clientCertificates) of(request *http.Request) *x509.Certificate {
	if c.authorities == nil {
		return nil
	}
	if request.TLS != nil && len(request.TLS.VerifiedChains) > 0 {
		return request.TLS.VerifiedChains[0][0]
	}
	// The connection itself has to come from a proxy. The forwarded address does not count, since the one who could write it
	// could write the certificate too.
	// More than one value would leave open which of them the proxy has set.
	values := request.Header.Values(c.header)
	if c.header == "" || len(values) != 1 || !c.proxies.FromProxy(request) {
		return nil
	}
	peer, err := parseForwardedCertificate(values[0])
	if err != nil {
		return nil
	}
	// The proxy has verified it; doing so again costs little and does not rely on how it is configured.
	options := x509.VerifyOptions{Roots: c.authorities, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := peer.Verify(options); err != nil {
		return nil
	}
	return peer
}

// parseForwardedCertificate reads a certificate in PEM, URL-encoded as nginx writes $ssl_client_escaped_cert.
func parseForwardedCertificate(value string) (*x509.Certificate, error) {
	text, err := url.PathUnescape(value)
	if err != nil {
		return nil, fmt.Errorf("decode certificate: %w", err)
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("decode certificate: it is not PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}
