package proof

import (
	"encoding/hex"
	"errors"
	"strings"

	"sluice.internal/shared/proof/internal/keys"
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
		standard, err := keys.ReadStandard(secret)
		k := key{standard: standard}
		if len(standard.Symmetric) > 0 {
			k.bytes = standard.Symmetric[0]
		}
		return k, err
	case s.IsPublic():
		public, err := keys.ReadPublic(s.Algorithm, secret)
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
		bytes, ok := keys.DecodeBase64(secret)
		if !ok {
			return nil, errors.New("is not in base64, as signature.secret_encoding says")
		}
		return bytes, nil
	}
	return []byte(secret), nil
}
