package source

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"strings"
)

// Certificate proves by a client certificate that has one of the secrets as a name: in its subject's common name or
// among its DNS names, addresses of mail or URIs. That an authority vouches for it was found out before.
func Certificate() Proof { return certificate{} }

type certificate struct{}

func (certificate) CoversBody() bool { return false }

func (certificate) key(name string) ([]byte, error) {
	digest := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(name))))
	return digest[:], nil
}

func (c certificate) show(r *Request) shown {
	var what shown
	for _, name := range certificateNames(r.Peer) {
		if key, err := c.key(name); err == nil && name != "" {
			what.given = append(what.given, key)
		}
	}
	return what
}

// certificateNames are all the names of a certificate.
func certificateNames(peer *x509.Certificate) []string {
	if peer == nil {
		return nil
	}
	names := append([]string{peer.Subject.CommonName}, peer.DNSNames...)
	names = append(names, peer.EmailAddresses...)
	for _, uri := range peer.URIs {
		names = append(names, uri.String())
	}
	return names
}

func (certificate) expect(_ *Request, _ *shown, key []byte) []byte { return key }

func (certificate) diagnose(r *Request, _ *shown) *Refusal {
	if r.Peer == nil {
		return &Refusal{Cause: CauseNoCertificate, Detail: "the client shows no certificate that an authority of the gateway vouches for"}
	}
	return nil
}

func (certificate) altered([]byte) []alteration { return nil }

func (certificate) wrong() *Refusal {
	return &Refusal{Cause: CauseWrongCertificate, Detail: "the source names none of the certificate's names"}
}

// Sign can't be done with a request: certificates belong to the connection.
func (certificate) Sign(*Draft, string) error {
	return errors.New("the source wants a client certificate, which can't be sent from here; try it with curl --cert")
}
