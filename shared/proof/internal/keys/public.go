// Package keys has how secrets and public keys of signatures are spelled, and reads them. It knows no proof, and its errors never
// have a secret in them.
package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// The algorithms that have public keys.
const (
	Ed25519 = "ed25519"
	ECDSA   = "ecdsa"
	RSA     = "rsa"
)

// ErrEmpty says that nothing is left of a secret without what stands around it.
var ErrEmpty = errors.New("is empty")

// ReadPublic reads a public key of an algorithm: PEM with a key or a certificate, or the key in hexadecimal digits or base64.
func ReadPublic(algorithm, text string) (crypto.PublicKey, error) {
	public, err := anyPublicKey(algorithm, text)
	if err != nil {
		return nil, err
	}
	fits := false
	switch public.(type) {
	case ed25519.PublicKey:
		fits = algorithm == Ed25519
	case *ecdsa.PublicKey:
		fits = algorithm == ECDSA
	case *rsa.PublicKey:
		fits = algorithm == RSA
	}
	if !fits {
		return nil, fmt.Errorf("is a public key of another algorithm than %s", algorithm)
	}
	return public, nil
}

func anyPublicKey(algorithm, text string) (crypto.PublicKey, error) {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		switch {
		case strings.Contains(block.Type, "PRIVATE"):
			return nil, errors.New("is a private key, which only the sender may have: its public key is wanted")
		case block.Type == "CERTIFICATE":
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, errors.New("is a certificate that can't be read")
			}
			return certificate.PublicKey, nil
		}
		return derKey(block.Bytes)
	}
	bytes, err := hex.DecodeString(text)
	if err != nil {
		var ok bool
		if bytes, ok = DecodeBase64(strings.Join(strings.Fields(text), "")); !ok {
			return nil, errors.New("is no public key: it is neither PEM nor in hexadecimal digits nor in base64")
		}
	}
	if algorithm == Ed25519 && len(bytes) == ed25519.PublicKeySize {
		return ed25519.PublicKey(bytes), nil
	}
	return derKey(bytes)
}

func derKey(der []byte) (crypto.PublicKey, error) {
	if public, err := x509.ParsePKIXPublicKey(der); err == nil {
		return public, nil
	}
	if public, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return public, nil
	}
	return nil, errors.New("is no public key that can be read")
}

// DecodeBase64 reads both alphabets of RFC 4648, with padding or without: libraries differ in both.
func DecodeBase64(text string) (code []byte, ok bool) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	code, err := base64.RawStdEncoding.DecodeString(text)
	return code, err == nil
}
