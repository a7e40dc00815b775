package proof_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/proof"
)

// signingKey is a sender's private key, and its public key in the ways in which providers show theirs.
type signingKey struct {
	sign  func(text string) []byte
	shown map[string]string
}

func signingKeys(t *testing.T) map[string]signingKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	digest := func(text string) []byte { sum := sha256.Sum256([]byte(text)); return sum[:] }
	signer := func(by crypto.Signer) func(string) []byte {
		return func(text string) []byte {
			code, err := by.Sign(rand.Reader, digest(text), crypto.SHA256)
			if err != nil {
				t.Error(err)
			}
			return code
		}
	}
	keys := map[string]signingKey{
		proof.AlgorithmEd25519: {func(text string) []byte { return ed25519.Sign(private, []byte(text)) }, map[string]string{
			"hex": hex.EncodeToString(public), "base64": base64.StdEncoding.EncodeToString(public),
		}},
		proof.AlgorithmECDSA: {signer(curve), map[string]string{}},
		proof.AlgorithmRSA:   {signer(large), map[string]string{}},
	}
	for name, one := range map[string]crypto.PublicKey{
		proof.AlgorithmEd25519: public, proof.AlgorithmECDSA: &curve.PublicKey, proof.AlgorithmRSA: &large.PublicKey,
	} {
		der, err := x509.MarshalPKIXPublicKey(one)
		if err != nil {
			t.Fatal(err)
		}
		keys[name].shown["DER in base64"] = base64.StdEncoding.EncodeToString(der)
		keys[name].shown["PEM"] = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sender"}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &large.PublicKey, large)
	if err != nil {
		t.Fatal(err)
	}
	keys[proof.AlgorithmRSA].shown["certificate"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	return keys
}

func TestPublicKeysVerifyWhatTheirOwnersSignedAndNothingElse(t *testing.T) {
	t.Parallel()
	keys, others := signingKeys(t), signingKeys(t)
	for algorithm, one := range keys {
		made := proofOf(t, proof.Signature{
			Header: "X-Sign", Algorithm: algorithm, Encoding: proof.EncodingBase64, Signed: "{timestamp}{body}", TimestampHeader: "X-Time",
		})
		stamp := now.Format(time.RFC3339)
		request := func(code []byte, body string) *proof.Request {
			return &proof.Request{Method: http.MethodPost, At: now, Body: []byte(body), Header: http.Header{
				"X-Sign": {base64.StdEncoding.EncodeToString(code)}, "X-Time": {stamp},
			}}
		}
		for form, key := range one.shown {
			v := verifier(t, made, proof.Secret{Text: others[algorithm].shown["PEM"]}, proof.Secret{Text: key})
			if got := v.Verify(request(one.sign(stamp+body), body)); !got.OK || got.Secret != 1 {
				t.Errorf("%s, key as %s: %+v", algorithm, form, got)
			}
			if v.Verify(request(one.sign(stamp+body), body+" ")).OK {
				t.Errorf("%s, key as %s: an altered body is accepted", algorithm, form)
			}
			alone := verifier(t, made, proof.Secret{Text: key})
			forged := request(others[algorithm].sign(stamp+body), body)
			if alone.Verify(forged).OK {
				t.Errorf("%s, key as %s: another key's signature is accepted", algorithm, form)
			}
			if got := alone.Diagnose(forged, proof.Hints{}); got.Cause != proof.CauseWrongSecret {
				t.Errorf("%s, key as %s: %s (%s)", algorithm, form, got.Cause, got.Detail)
			}
			for _, garbage := range [][]byte{nil, {0}, make([]byte, 64), make([]byte, 5000)} {
				if alone.Verify(request(garbage, body)).OK {
					t.Errorf("%s accepts %d bytes of garbage", algorithm, len(garbage))
				}
			}
		}
		large := body + strings.Repeat(" ", 1<<20)
		if v := verifier(t, made, proof.Secret{Text: one.shown["PEM"]}); !v.Verify(request(one.sign(stamp+large), large)).OK {
			t.Errorf("%s refuses a large body", algorithm)
		}
		draft := &proof.Draft{Header: http.Header{}, At: now}
		if err := made.Sign(draft, one.shown["PEM"]); err == nil || !strings.Contains(err.Error(), "private key") {
			t.Errorf("%s signs with a public key: %v", algorithm, err)
		}
	}
}

func TestECDSASignatureMayBeTwoNumbersSideBySide(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	code := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, proofOf(t, proof.Signature{Header: "X-Sign", Algorithm: proof.AlgorithmECDSA}), proof.Secret{Text: base64.StdEncoding.EncodeToString(der)})
	request := &proof.Request{Header: http.Header{"X-Sign": {hex.EncodeToString(code)}}, Body: []byte(body), At: now}
	if !v.Verify(request).OK {
		t.Error("refused")
	}
	request.Body = bytes.ToUpper(request.Body)
	if v.Verify(request).OK {
		t.Error("another body is accepted")
	}
}

func TestKeysThatAreNoneAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	keys := signingKeys(t)
	private, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ algorithm, encoding, secret, want string }{
		{proof.AlgorithmEd25519, "", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), "its public key is wanted"},
		{proof.AlgorithmEd25519, "", keys[proof.AlgorithmRSA].shown["PEM"], "another algorithm than ed25519"},
		{proof.AlgorithmEd25519, "", "(not a key)", "neither PEM nor in hexadecimal digits nor in base64"},
		{proof.AlgorithmEd25519, "", "abcd", "no public key that can be read"},
		{proof.AlgorithmRSA, "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "can't be read"},
		{proof.AlgorithmHMAC, proof.SecretHex, "xyz", "hexadecimal"},
		{proof.AlgorithmHMAC, proof.SecretBase64, "!!", "base64"},
	} {
		made := proofOf(t, proof.Signature{Header: "X-S", Algorithm: test.algorithm, SecretEncoding: test.encoding})
		if err := proof.CheckSecret(made, test.secret); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), test.secret) {
			t.Errorf("%s, %.30q: %v", test.algorithm, test.secret, err)
		}
	}
}
