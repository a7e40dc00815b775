package proof

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"iter"
	"strings"

	"sluice.internal/shared/proof/internal/altered"
)

// Certificate proves by a client certificate that has one of the secrets as a name: as the common name of its subject or
// among its DNS names, mail addresses or URIs. Request.Peer must have been verified against the authorities before.
func Certificate() Proof { return certificate{} }

// certificate compares names as digests of their lower case, in the same way as tokens.
type certificate struct{}

func (certificate) CoversBody() bool { return false }

func (certificate) key(name string) (key, error) {
	digest := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(name))))
	return key{bytes: digest[:]}, nil
}

func (c certificate) present(r *Request) presented {
	var p presented
	for _, name := range certificateNames(r.Peer) {
		if key, err := c.key(name); err == nil && name != "" {
			p.given = append(p.given, key.bytes)
		}
	}
	return p
}

// certificateNames returns all names of a certificate; none for nil.
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

func (certificate) fits(_ *Request, p *presented, key key) int { return p.matches(key.bytes) }

func (certificate) diagnose(r *Request, _ *presented, _ Hints) *Refusal {
	if r.Peer == nil {
		return &Refusal{Cause: CauseNoCertificate, Detail: "the client shows no certificate that an authority of the gateway vouches for"}
	}
	return nil
}

func (certificate) alteredBodies([]byte) iter.Seq[altered.Body] { return altered.None }

func (certificate) mismatch() *Refusal {
	return &Refusal{Cause: CauseWrongCertificate, Detail: "the source names none of the certificate's names"}
}

// Sign always fails: a certificate belongs to the connection and not to the request.
func (certificate) Sign(*Draft, string) error {
	return errors.New("the source wants a client certificate, which can't be sent from here; try it with curl --cert")
}
