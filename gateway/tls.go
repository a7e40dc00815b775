package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
)

// TLS is what the gateway shows and trusts.
type TLS struct {
	// CertFile and KeyFile are PEM files with the gateway's certificate and its key; empty for plain HTTP.
	CertFile, KeyFile string
	// ClientCAFile is a PEM file with the authorities that vouch for clients; empty means that no certificate of a client
	// is believed.
	ClientCAFile string
}

// setUpTLS reads the files.
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
	if _, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile); err != nil {
		return fmt.Errorf("read the gateway's certificate: %w", err)
	}
	return nil
}

// serve serves with TLS where there is a certificate. The files are read again for each connection, so that a renewed
// certificate is used without a restart.
func (g *Gateway) serve() error {
	files := g.settings.TLS
	if files.CertFile == "" {
		return g.server.Serve(g.listener)
	}
	g.server.TLSConfig = &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
			return &pair, err
		},
	}
	if g.peers.authorities != nil {
		g.server.TLSConfig.ClientAuth, g.server.TLSConfig.ClientCAs = tls.VerifyClientCertIfGiven, g.peers.authorities
	}
	return g.server.ServeTLS(g.listener, "", "")
}

// clientCertificates finds out which certificate a client shows, here or to a proxy whose word is taken.
type clientCertificates struct {
	authorities *x509.CertPool
	header      string
	proxies     clientAddresses
}

// of returns a certificate that an authority vouches for, nil when there is none.
func (c clientCertificates) of(request *http.Request) *x509.Certificate {
	if c.authorities == nil {
		return nil
	}
	if request.TLS != nil && len(request.TLS.VerifiedChains) > 0 {
		return request.TLS.VerifiedChains[0][0]
	}
	values := request.Header.Values(c.header)
	if c.header == "" || len(values) != 1 || !c.fromProxy(request) {
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

func (c clientCertificates) fromProxy(request *http.Request) bool {
	address, err := netip.ParseAddrPort(request.RemoteAddr)
	return err == nil && c.proxies.trusts(plain(address.Addr()))
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
