package proof_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// standard is how senders of Standard Webhooks prove themselves.
func standard() proof.Proof { return source.Providers()["standard-webhooks"].Proof }

// standardRequest has the headers of a family, with the signature that sign makes of the signed text.
func standardRequest(family string, sign func(text []byte) string) *proof.Request {
	const id = "msg_1"
	stamp := strconv.FormatInt(now.Unix(), 10)
	header := http.Header{}
	header.Set(family+"-Id", id)
	header.Set(family+"-Timestamp", stamp)
	header.Set(family+"-Signature", sign([]byte(id+"."+stamp+"."+body)))
	return &proof.Request{Header: header, Body: []byte(body), At: now}
}

// symmetric signs with HMAC-SHA256.
func symmetric(key []byte) func([]byte) string {
	return func(text []byte) string {
		mac := hmac.New(sha256.New, key)
		mac.Write(text)
		return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
}

func TestSecretsOfStandardWebhooksAreTakenInAllTheirSpellings(t *testing.T) {
	t.Parallel()
	key := []byte{0xfb, 0xef, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14} // Both alphabets differ, and there is padding.
	standardText, urlText := base64.StdEncoding.EncodeToString(key), base64.URLEncoding.EncodeToString(key)
	for spelling, signedWith := range map[string][]byte{
		"whsec_" + standardText:                       key,
		"v1,whsec_" + standardText:                    key,
		" whsec_" + standardText + "\n":               key,
		"whsec_" + urlText:                            key,
		"whsec_" + strings.TrimRight(urlText, "="):    key,
		standardText:                                  key,
		strings.TrimRight(urlText, "="):               key,
		"polar_whs_plain-text!":                       []byte("polar_whs_plain-text!"),
		"mysecretpassword":                            []byte("mysecretpassword"), // It can be read as base64, too.
		"whsec_plain-text!":                           []byte("whsec_plain-text!"),
		"v1,whsec_plain-text!":                        []byte("plain-text!"),
		strings.Repeat("0123456789abcdef-long!", 100): []byte(strings.Repeat("0123456789abcdef-long!", 100)),
	} {
		v := verifier(t, standard(), proof.Secret{Text: otherWhsec}, proof.Secret{Text: spelling})
		if got := v.Verify(standardRequest("Webhook", symmetric(signedWith))); !got.OK || got.Secret != 1 {
			t.Errorf("secret %.30q does not verify what it signed", spelling)
		}
		if v.Verify(standardRequest("Webhook", symmetric([]byte("another")))).OK {
			t.Errorf("secret %.30q verifies what another one signed", spelling)
		}
	}
}

func TestPublicKeyVerifiesWhatItsOtherHalfSigned(t *testing.T) {
	t.Parallel()
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", ed25519.SeedSize)))
	public := private.Public().(ed25519.PublicKey)
	written := func(prefix string, key []byte) string { return prefix + base64.StdEncoding.EncodeToString(key) }
	sign := func(text []byte) string {
		return "v1,AAAA v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(private, text))
	}
	for _, secret := range []string{
		written("whpk_", public), written("v1a,whpk_", public), written("whsk_", private), written("whsk_", private.Seed()),
	} {
		v := verifier(t, standard(), proof.Secret{Text: secret})
		for _, family := range []string{"Webhook", "Svix"} {
			right := standardRequest(family, sign)
			if !v.Verify(right).OK {
				t.Errorf("%.6s refuses what was signed with its private key: %+v", secret, v.Diagnose(right, proof.Hints{}))
			}
			altered := *right
			altered.Body = []byte(body + " ")
			late := *right
			late.At = now.Add(6 * time.Minute)
			if v.Verify(&altered).OK || v.Verify(&late).OK || v.Diagnose(&late, proof.Hints{}).Cause != proof.CauseClockSkew {
				t.Errorf("%.6s takes another body or an old request", secret)
			}
		}
		if v.Verify(standardRequest("Webhook", symmetric(public))).OK {
			t.Errorf("%.6s takes an HMAC that everybody can make who has the public key", secret)
		}
	}
	if err := proof.CheckSecret(standard(), written("whpk_", public[1:])); err == nil {
		t.Error("a public key of 31 bytes is taken")
	}
}

func TestSignsWithThePrivateKeyAlone(t *testing.T) {
	t.Parallel()
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", ed25519.SeedSize)))
	public := private.Public().(ed25519.PublicKey)
	w := way{proof: standard()}
	request := w.made(t, "whsk_"+base64.StdEncoding.EncodeToString(private), now)
	if !verifier(t, standard(), proof.Secret{Text: "whpk_" + base64.StdEncoding.EncodeToString(public)}).Verify(request).OK {
		t.Errorf("what was signed is refused: %v", request.Header)
	}
	err := standard().Sign(&proof.Draft{Header: http.Header{}, At: now}, "whpk_"+base64.StdEncoding.EncodeToString(public))
	if err == nil || !strings.Contains(err.Error(), "whsk_") {
		t.Errorf("signing with a public key: %v", err)
	}
}

// A stranger's request costs no more than a few readings of its body, however many signatures it has.
func TestFewPublicSignaturesOfARequestAreVerified(t *testing.T) {
	t.Parallel()
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", ed25519.SeedSize)))
	wrong := "v1a," + base64.StdEncoding.EncodeToString(make([]byte, ed25519.SignatureSize))
	v := verifier(t, standard(), proof.Secret{Text: "whsk_" + base64.StdEncoding.EncodeToString(private)})
	for before, want := range map[int]bool{3: true, 4: false} {
		request := standardRequest("Webhook", func(text []byte) string {
			return strings.Repeat(wrong+" ", before) + "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(private, text))
		})
		if v.Verify(request).OK != want {
			t.Errorf("behind %d others the right one is taken: %t", before, !want)
		}
	}
}

// What nobody signed has no say: neither in the verification nor in the id, by which a repetition is recognised.
func TestLabelsAreThoseThatTheSignatureCovers(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef")
	v := verifier(t, standard(), proof.Secret{Text: "whsec_" + base64.StdEncoding.EncodeToString(key)})
	for _, family := range []string{"Webhook", "Svix"} {
		request := standardRequest(family, symmetric(key))
		for _, other := range []string{"Webhook", "Svix"} {
			if other != family {
				request.Header.Set(other+"-Id", "forged")
				request.Header.Set(other+"-Timestamp", "1")
			}
		}
		id, stamp := proof.Labels(standard(), request)
		if !v.Verify(request).OK || id != "msg_1" || stamp != strconv.FormatInt(now.Unix(), 10) {
			t.Errorf("%s: id %q, time %q", family, id, stamp)
		}
	}
	both := standardRequest("Svix", symmetric(key))
	both.Header.Set("Webhook-Id", "forged")
	both.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	both.Header.Set("Webhook-Signature", "v1,AAAA")
	if id, _ := proof.Labels(standard(), both); v.Verify(both).OK || id != "forged" {
		t.Errorf("one family is verified and the other one's id %q is read", id)
	}
	if refusal := v.Diagnose(&proof.Request{Header: http.Header{}, At: now}, proof.Hints{}); refusal.Cause != proof.CauseNoSignature ||
		!strings.Contains(refusal.Detail, "Svix-Signature") {
		t.Errorf("without either: %+v", refusal)
	}
}
