package proof_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// now is when the requests of these tests come.
var now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

const (
	body        = `{"type":"a","n":1}`
	secret      = "the-secret-of-this-source"
	otherSecret = "the-secret-of-another-one"
	whsec       = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	otherWhsec  = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
)

// way is a proof with two secrets that are fit for it.
type way struct {
	proof         proof.Proof
	secret, other string
	// signs says that the body belongs to the proof, stamped that a time does.
	signs, stamped bool
}

// ways are all presets, and what a generic source can choose.
func ways(t testing.TB) map[string]way {
	t.Helper()
	all := map[string]way{
		"basic":  {proof: proof.Basic(), secret: "user:" + secret, other: "user:" + otherSecret},
		"header": {proof: proof.Token("X-Api-Key"), secret: secret, other: otherSecret},
		"sha512": {proof: proofOf(t, proof.Signature{
			Header: "X-Sign", Hash: proof.HashSHA512, Encoding: proof.EncodingBase64, Signed: "{timestamp}|{id}|{body}",
			TimestampHeader: "X-Time", IDHeader: "X-Id", Separator: ";",
		}), secret: secret, other: otherSecret, signs: true, stamped: true},
		"query": {proof: proof.QueryToken("key"), secret: secret, other: otherSecret},
		"body":  {proof: proof.BodyToken("/auth"), secret: secret, other: otherSecret, signs: true},
		"url": {proof: proofOf(t, proof.Signature{
			Header: "X-Sign", Signed: "{method}{url}{path}?{query}{header:X-Kind}{body}", URL: "https://hooks.example.org/",
		}), secret: secret, other: otherSecret, signs: true},
		"query signature": {proof: proofOf(t, proof.Signature{
			At: "query:sign", Signed: "{timestamp}{id}{body}", TimestampAt: "query:at", IDAt: "header:X-Id",
		}), secret: secret, other: otherSecret, signs: true, stamped: true},
		"within the body": {proof: proofOf(t, proof.Signature{At: "/sign", Signed: "{body:unsigned}"}), secret: secret, other: otherSecret, signs: true},
		"parts of the body": {proof: proofOf(t, proof.Signature{
			At: "/sign", Signed: "{timestamp}{/type}:{/n}", TimestampAt: "/at", Encoding: proof.EncodingBase64,
		}), secret: secret, other: otherSecret, signs: true, stamped: true},
		"sorted values": {proof: proofOf(t, proof.Signature{
			At: "/Token", Signed: "{values:sorted+Password}", Algorithm: proof.AlgorithmDigest,
		}), secret: secret, other: otherSecret, signs: true},
		"a digest": {proof: proofOf(t, proof.Signature{
			Header: "X-Sign", Signed: "{body}{secret}", Algorithm: proof.AlgorithmDigest, Hash: proof.HashMD5,
		}), secret: secret, other: otherSecret, signs: true},
		"a digest of the body in the URL": {proof: proofOf(t, proof.Signature{
			Header: "X-Sign", Signed: "{url}", URL: "https://hooks.example.org", BodyDigestAt: "query:bodySHA256",
		}), secret: secret, other: otherSecret, signs: true},
		"a checksum": {proof: proofOf(t, proof.Signature{Header: "X-Sign", Signed: "{body:crc32}|{body:sha256}"}), secret: secret, other: otherSecret, signs: true},
	}
	for name, provider := range source.Providers() {
		if described, _ := proof.SignatureOf(provider.Proof); described.IsPublic() {
			continue // Only the sender can sign. TestPresetsTakeWhatTheirSendersProveAndNothingElse plays it, in the package source.
		}
		all[name] = way{proof: provider.Proof, secret: secret, other: otherSecret, signs: provider.Proof.CoversBody()}
	}
	delete(all, "twitch") // Its tolerance is another one; its own test is in the package source.
	for _, name := range []string{"slack", "stripe", "zoom"} {
		stamped := all[name]
		stamped.stamped = true
		all[name] = stamped
	}
	all["standard-webhooks"] = way{
		proof: all["standard-webhooks"].proof, secret: whsec, other: otherWhsec, signs: true, stamped: true,
	}
	return all
}

func proofOf(t testing.TB, described proof.Signature) proof.Proof {
	t.Helper()
	made, err := described.Proof()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// made is a request that the way's sender makes with the secret at the time.
func (w way) made(t testing.TB, secret string, at time.Time) *proof.Request {
	t.Helper()
	draft := &proof.Draft{
		URL: &url.URL{Scheme: "https", Host: "example.org", Path: "/hook"}, Header: http.Header{}, Body: []byte(body), At: at,
	}
	if err := w.proof.Sign(draft, secret); err != nil {
		t.Fatal(err)
	}
	return &proof.Request{
		Method: http.MethodPost, Path: draft.URL.Path, Rest: strings.Trim(strings.TrimPrefix(draft.URL.Path, "/hook"), "/"),
		Query: draft.URL.Query(), RawQuery: draft.URL.RawQuery, Header: draft.Header, Body: draft.Body, At: now,
	}
}

func verifier(t testing.TB, by proof.Proof, secrets ...proof.Secret) *proof.Verifier {
	t.Helper()
	v, err := proof.NewVerifier(by, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWhatASenderSignsIsAcceptedAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, w := range ways(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := verifier(t, w.proof, proof.Secret{Text: w.other}, proof.Secret{Text: w.secret})
			if got := v.Verify(w.made(t, w.secret, now)); !got.OK || got.Secret != 1 {
				t.Errorf("result %+v on what was signed with the second secret", got)
			}
			if got := v.Verify(w.made(t, w.other, now)); !got.OK || got.Secret != 0 {
				t.Errorf("result %+v on what was signed with the first secret", got)
			}
			if v.CoversBody() != w.signs {
				t.Errorf("covers the body: %t", v.CoversBody())
			}
			only := verifier(t, w.proof, proof.Secret{Text: w.other})
			if only.Verify(w.made(t, w.secret, now)).OK {
				t.Error("another secret is accepted")
			}
			if verifier(t, w.proof).Verify(w.made(t, w.secret, now)).OK {
				t.Error("without secrets, something is accepted")
			}
			if v.Verify(&proof.Request{Header: http.Header{}, Body: []byte(body), At: now}).OK {
				t.Error("nothing is accepted as a proof")
			}
		})
	}
}

func TestAlteredBodyIsRefused(t *testing.T) {
	t.Parallel()
	for name, w := range ways(t) {
		if !w.signs {
			continue
		}
		v := verifier(t, w.proof, proof.Secret{Text: w.secret})
		for _, altered := range []string{"", body + " ", strings.Replace(body, "1", "2", 1)} {
			request := w.made(t, w.secret, now)
			request.Body = []byte(altered)
			if v.Verify(request).OK {
				t.Errorf("%s accepts the body %q", name, altered)
			}
		}
	}
}

func TestTimeOfSigningIsNearNow(t *testing.T) {
	t.Parallel()
	for name, w := range ways(t) {
		v := verifier(t, w.proof, proof.Secret{Text: w.secret})
		for offset, near := range map[time.Duration]bool{
			0: true, -299 * time.Second: true, 299 * time.Second: true, -301 * time.Second: false, 301 * time.Second: false,
			-24 * 365 * 40 * time.Hour: false,
		} {
			if got, want := v.Verify(w.made(t, w.secret, now.Add(offset))).OK, near || !w.stamped; got != want {
				t.Errorf("%s, signed %s from now: %t, want %t", name, offset, got, want)
			}
		}
	}
}

func TestToleranceMayBeAsLargeAsAnybodyLikes(t *testing.T) {
	t.Parallel()
	w := way{proof: proofOf(t, proof.Signature{
		Header: "X-S", TimestampHeader: "X-T", Signed: "{timestamp}{body}", Tolerance: 1<<63 - 1,
	})}
	v := verifier(t, w.proof, proof.Secret{Text: secret})
	for _, at := range []time.Time{time.Unix(0, 0), now, now.AddDate(5000, 0, 0)} {
		if !v.Verify(w.made(t, secret, at)).OK {
			t.Errorf("signed at %s, refused", at)
		}
	}
}

func TestTimeMayBeInMillisecondsOrAsText(t *testing.T) {
	t.Parallel()
	made := proofOf(t, proof.Signature{Header: "X-S", TimestampHeader: "X-T", Signed: "{timestamp}.{body}"})
	v := verifier(t, made, proof.Secret{Text: secret})
	for stamp, want := range map[string]bool{
		strconv.FormatInt(now.Unix(), 10): true, strconv.FormatInt(now.UnixMilli(), 10): true, now.Format(time.RFC3339): true,
		"": false, "now": false, "-1": false, "99999999999999999999": false, "1e9": false, now.Format(time.RFC1123): false,
	} {
		sum := hmac.New(sha256.New, []byte(secret))
		sum.Write([]byte(stamp + "." + body))
		request := &proof.Request{At: now, Body: []byte(body), Header: http.Header{
			"X-S": {hex.EncodeToString(sum.Sum(nil))}, "X-T": {stamp},
		}}
		if got := v.Verify(request).OK; got != want {
			t.Errorf("time %q: %t, want %t", stamp, got, want)
		}
	}
}

func TestAnyOfSeveralSignaturesWillDo(t *testing.T) {
	t.Parallel()
	all := ways(t)
	for name, header := range map[string]string{"stripe": "Stripe-Signature", "standard-webhooks": "Webhook-Signature", "sha512": "X-Sign"} {
		w := all[name]
		separator := map[string]string{"stripe": ",", "standard-webhooks": " ", "sha512": ";"}[name]
		v := verifier(t, w.proof, proof.Secret{Text: w.secret})
		right := w.made(t, w.secret, now)
		wrong := w.made(t, w.other, now)
		for _, value := range []string{
			wrong.Header.Get(header) + separator + right.Header.Get(header),
			right.Header.Get(header) + separator + wrong.Header.Get(header),
			"v0=00" + separator + "v1a,xx" + separator + separator + right.Header.Get(header) + separator + "rest",
		} {
			request := *right
			request.Header = right.Header.Clone()
			request.Header.Set(header, value)
			// Of Standard Webhooks the id is signed too, and both have their own.
			if !v.Verify(&request).OK {
				t.Errorf("%s refuses %q", name, value)
			}
		}
	}
}

func TestSecretsAreValidInTheirTime(t *testing.T) {
	t.Parallel()
	for name, w := range ways(t) {
		for sentence, test := range map[string]struct {
			from, until time.Time
			want        bool
		}{
			"without bounds":       {want: true},
			"within":               {now.Add(-time.Hour), now.Add(time.Hour), true},
			"from now":             {now, time.Time{}, true},
			"until now":            {time.Time{}, now, false},
			"not yet":              {now.Add(time.Second), time.Time{}, false},
			"no longer":            {time.Time{}, now.Add(-time.Second), false},
			"until in a second":    {time.Time{}, now.Add(time.Second), true},
			"from since a century": {now.AddDate(-100, 0, 0), time.Time{}, true},
		} {
			v := verifier(t, w.proof, proof.Secret{Text: w.secret, From: test.from, Until: test.until})
			if got := v.Verify(w.made(t, w.secret, now)).OK; got != test.want {
				t.Errorf("%s, %s: %t, want %t", name, sentence, got, test.want)
			}
		}
	}
}

func TestRotationLosesNothing(t *testing.T) {
	t.Parallel()
	for name, w := range ways(t) {
		change := now.Add(-time.Minute)
		v := verifier(t, w.proof,
			proof.Secret{Text: w.other, Until: change.Add(time.Hour)}, proof.Secret{Text: w.secret, From: change.Add(-time.Hour)})
		for _, used := range []string{w.secret, w.other} {
			if !v.Verify(w.made(t, used, now)).OK {
				t.Errorf("%s refuses one of two secrets while they are changed", name)
			}
		}
	}
}

func TestMalformedHeadersAreRefusedAndNothingPanics(t *testing.T) {
	t.Parallel()
	garbage := []string{
		"", " ", ",", "=", "t=", "v1=", "t=,v1=", "v1,", "v1, v1,", "sha256=", "sha256=zz", strings.Repeat("a", 1<<16),
		strings.Repeat("v1=00,", 10_000), "t=1,t=2,v1=" + strings.Repeat("0", 64), "\x00", "ÿ", "v0=" + strings.Repeat("f", 63),
	}
	for name, w := range ways(t) {
		v := verifier(t, w.proof, proof.Secret{Text: w.secret})
		right := w.made(t, w.secret, now)
		for field := range right.Header {
			for _, value := range garbage {
				request := *right
				request.Header = right.Header.Clone()
				request.Header.Set(field, value)
				if v.Verify(&request).OK {
					t.Errorf("%s accepts %s: %.50q", name, field, value)
				}
				if refusal := v.Diagnose(&request, proof.Hints{}); refusal.Cause == "" || refusal.Detail == "" {
					t.Errorf("%s does not say what is wrong with %s: %.50q", name, field, value)
				}
			}
		}
	}
}

func TestUnfitSecretsAreToldByTheirPlaceAndNotRepeated(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		proof  proof.Proof
		secret string
	}{
		"empty":           {proof.Token("X-A"), " "},
		"no public key":   {source.Providers()["standard-webhooks"].Proof, "whpk_not!base64"},
		"no password":     {proof.Basic(), "only-a-user"},
		"a slash in path": {proof.PathSecret(), "secret/with/slashes"},
	} {
		_, err := proof.NewVerifier(test.proof, proof.Secret{Text: "user:c2VjcmV0"}, proof.Secret{Text: test.secret})
		if name == "a slash in path" {
			_, err = proof.NewVerifier(test.proof, proof.Secret{Text: "fine"}, proof.Secret{Text: test.secret})
		}
		if err == nil || !strings.Contains(err.Error(), "secret 2") || strings.Contains(err.Error(), strings.TrimSpace(test.secret+"x")) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestIdThatIsSignedMustBeThere(t *testing.T) {
	t.Parallel()
	made := proofOf(t, proof.Signature{Header: "X-S", IDHeader: "X-Id", Signed: "{id}.{body}"})
	v := verifier(t, made, proof.Secret{Text: secret})
	request := &proof.Request{Header: signed("X-S", hex.EncodeToString(code(secret, "."+body))), Body: []byte(body), At: now}
	if v.Verify(request).OK {
		t.Error("without its id, a request is accepted")
	}
	if got := v.Diagnose(request, proof.Hints{}); got.Cause != proof.CauseMalformed || !strings.Contains(got.Detail, "X-Id") {
		t.Errorf("%s (%s)", got.Cause, got.Detail)
	}
}
