package proof

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// The encodings of a secret.
const (
	SecretText   = "text"
	SecretHex    = "hex"
	SecretBase64 = "base64"
)

func (s signature) key(secret string) (key, error) {
	secret = strings.TrimSpace(secret)
	if secret == "" {
		return key{}, ErrEmptySecret
	}
	switch {
	case s.StandardWebhooks:
		keys, err := readStandardKeys(secret)
		k := key{standard: keys}
		if len(keys.symmetric) > 0 {
			k.bytes = keys.symmetric[0]
		}
		return k, err
	case s.IsPublic():
		public, err := publicKey(s.Algorithm, secret)
		return key{public: public}, err
	}
	bytes, err := s.secretBytes(secret)
	return key{bytes: bytes}, err
}

// secretBytes undoes the encoding of a secret.
func (s signature) secretBytes(secret string) ([]byte, error) {
	switch s.SecretEncoding {
	case SecretHex:
		bytes, err := hex.DecodeString(secret)
		if err != nil {
			return nil, errors.New("is not in hexadecimal digits, as signature.secret_encoding says")
		}
		return bytes, nil
	case SecretBase64:
		bytes, ok := decodeBase64(secret)
		if !ok {
			return nil, errors.New("is not in base64, as signature.secret_encoding says")
		}
		return bytes, nil
	}
	return []byte(secret), nil
}

// publicKey reads a public key of an algorithm: PEM with a key or a certificate, or the key in hexadecimal digits or base64.
func publicKey(algorithm, text string) (crypto.PublicKey, error) {
	public, err := anyPublicKey(algorithm, text)
	if err != nil {
		return nil, err
	}
	fits := false
	switch public.(type) {
	case ed25519.PublicKey:
		fits = algorithm == AlgorithmEd25519
	case *ecdsa.PublicKey:
		fits = algorithm == AlgorithmECDSA
	case *rsa.PublicKey:
		fits = algorithm == AlgorithmRSA
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
		if bytes, ok = decodeBase64(strings.Join(strings.Fields(text), "")); !ok {
			return nil, errors.New("is no public key: it is neither PEM nor in hexadecimal digits nor in base64")
		}
	}
	if algorithm == AlgorithmEd25519 && len(bytes) == ed25519.PublicKeySize {
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
