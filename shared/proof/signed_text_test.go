package proof_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluice.internal/shared/proof"
)

const formType = "application/x-www-form-urlencoded"

// called is a POST to a URL.
func called(t *testing.T, address, contentType, body string, header http.Header) *proof.Request {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", contentType)
	return &proof.Request{
		Method: http.MethodPost, Path: at.Path, Query: at.Query(), RawQuery: at.RawQuery, Header: header, Body: []byte(body), At: now,
	}
}

// TestVectorsOfDocumentations has what providers publish for those who write a verifier.
func TestVectorsOfDocumentations(t *testing.T) {
	t.Parallel()
	twilio := proof.Signature{
		Header: "X-Twilio-Signature", Hash: proof.HashSHA1, Encoding: proof.EncodingBase64, Signed: "{url}{form:sorted}", URL: "https://mycompany.com",
	}
	tbank := proof.Signature{At: "/Token", Algorithm: proof.AlgorithmDigest, Signed: "{values:sorted+Password}"}
	for name, test := range map[string]struct {
		by      proof.Signature
		secret  string
		request *proof.Request
	}{
		// https://www.twilio.com/docs/usage/security, and the tests of Twilio's libraries.
		"twilio": {twilio, "12345", called(t, "https://mycompany.com/myapp.php?foo=1&bar=2", formType,
			"Digits=1234&CallSid=CA1234567890ABCDE&To=%2B18005551212&Caller=%2B14158675309&From=%2B14158675309",
			http.Header{"X-Twilio-Signature": {"RSOYDt4T1cUTdK1PDd93/VVr8B8="}})},
		// https://developer.tbank.ru/eacq/intro/developer/token
		"tbank": {tbank, "usaf8fw8fsw21g", called(t, "https://a/b", "application/json",
			`{"TerminalKey":"MerchantTerminalKey","Amount":19200,"OrderId":"21090","Description":"Подарочная карта на 1000 рублей",`+
				`"DATA":{"Phone":"+71234567890"},"Receipt":{"Items":[]},"Token":"0024a00af7c350a3a67ca168ce06502aa72772456662e38696d48b56ee9c97d9"}`, nil)},
		"tbank, another": {tbank, "11111111111111", called(t, "https://a/b", "application/json",
			`{"Token":"72dd466f8ace0a37a1f740ce5fb78101712bc0665d91a8108c7c8a0ccd426db2","TerminalKey":"MerchantTerminalKey",`+
				`"Amount":19200,"OrderId":"00000","Description":"Подарочная карта на 1000 рублей"}`, nil)},
	} {
		v := verifier(t, proofOf(t, test.by), proof.Secret{Text: test.secret})
		if !v.Verify(test.request).OK {
			t.Errorf("%s: %v", name, v.Diagnose(test.request, proof.Hints{}))
		}
		test.request.Body = []byte(strings.Replace(string(test.request.Body), "1", "2", 1))
		if v.Verify(test.request).OK {
			t.Errorf("%s accepts an altered body", name)
		}
	}
}

// TestSignedTextIsPutTogetherAsDescribed compares each place with what it stands for.
func TestSignedTextIsPutTogetherAsDescribed(t *testing.T) {
	t.Parallel()
	js := func() *proof.Request {
		return called(t, "https://internal:8080/hook/a%20b?x=1&y=2", "application/json",
			"{ \"b\": \"z\", \"sign\": \"S\" , \"a\":{\"c\":[1,true]},\"n\": 12.50,\"t\":true,\"x\":null}", http.Header{"X-Kind": {"k"}})
	}
	form := func() *proof.Request {
		return called(t, "https://internal/hook", formType, "b=2&sign=S&a=x+y%26&b=1&b=2&=&c", nil)
	}
	for signed, test := range map[string]struct {
		request *proof.Request
		want    string
	}{
		"{method}|{path}|{query}{body:crc32}":     {js(), "POST|/hook/a b|x=1&y=2992388269"},
		"{url}{/b}":                               {js(), "https://hooks.example.org/in/hook/a%20b?x=1&y=2z"},
		"{header:x-kind}{/a/c/0}{/a/c/1}{/n}{/a}": {js(), "k1true12.50"},
		"{body:unsigned}":                         {js(), "{ \"b\": \"z\" , \"a\":{\"c\":[1,true]},\"n\": 12.50,\"t\":true,\"x\":null}"},
		"{values:sorted}":                         {js(), "z12.50true"},
		"{values:sorted} of a form":               {form(), "x y&212 of a form"},
		"{form:sorted}":                           {form(), "ax y&b1b2csignS"},
		"{body:unsigned}, a form":                 {form(), "b=2&a=x+y%26&b=1&b=2&c, a form"},
		"{/a}{/b}{/none}":                         {form(), "x y&"},
		"{\"literal\": {}} {{/a}}":                {form(), "{\"literal\": {}} {x y&}"},
		"{form:sorted}{/n}":                       {js(), "12.50"},
	} {
		by := proof.Signature{At: "/sign", Signed: signed, Hash: proof.HashSHA1, Encoding: proof.EncodingBase64, URL: "https://hooks.example.org/in"}
		mac := hmac.New(sha1.New, []byte(secret))
		mac.Write([]byte(test.want))
		code := base64.StdEncoding.EncodeToString(mac.Sum(nil))
		// The signature itself is where it can't change what is signed.
		by.At = "header:X-Code"
		if strings.Contains(signed, "unsigned") || strings.Contains(signed, "values") {
			by.At = "/sign"
			replaced := strings.NewReplacer(`"S"`, `"`+code+`"`, "sign=S", "sign="+url.QueryEscape(code)).Replace(string(test.request.Body))
			test.request.Body = []byte(replaced)
		}
		test.request.Header.Set("X-Code", code)
		if v := verifier(t, proofOf(t, by), proof.Secret{Text: secret}); !v.Verify(test.request).OK {
			t.Errorf("%s is not %q (%v)", signed, test.want, v.Diagnose(test.request, proof.Hints{}))
		}
	}
}

func TestFirstAndOnlyMembersAreLeftOutWithTheirComma(t *testing.T) {
	t.Parallel()
	v := verifier(t, proofOf(t, proof.Signature{At: "/sign", Signed: "{body:unsigned}", Encoding: proof.EncodingBase64}), proof.Secret{Text: secret})
	for before, want := range map[string]string{
		`{"sign":"S","a":1}`: `{"a":1}`, `{"a":1,"sign":"S"}`: `{"a":1}`, `{"sign":"S"}`: `{}`, `{ "sign" : "S" , "a":1}`: `{ "a":1}`,
	} {
		code := base64.StdEncoding.EncodeToString(code(secret, want))
		if !v.Verify(called(t, "https://a/", "application/json", strings.Replace(before, `"S"`, `"`+code+`"`, 1), nil)).OK {
			t.Errorf("%s without its signature is not %s", before, want)
		}
	}
	twice := `{"sign":"` + base64.StdEncoding.EncodeToString(code(secret, "{}")) + `","sign":"x"}`
	if v.Verify(called(t, "https://a/", "application/json", twice, nil)).OK {
		t.Error("of two signatures, one is chosen")
	}
}

func TestBodyThatIsNotSignedItselfMustFitItsDigest(t *testing.T) {
	t.Parallel()
	made := proofOf(t, proof.Signature{
		Header: "X-Sign", Signed: "{url}{form:sorted}", URL: "https://hooks.example.org", BodyDigestAt: "query:bodySHA256",
	})
	v := verifier(t, made, proof.Secret{Text: secret})
	signedBody := func(contentType string) *proof.Request {
		draft := &proof.Draft{
			URL: &url.URL{Path: "/hook"}, Header: http.Header{"Content-Type": {contentType}}, Body: []byte("a=1"), At: now,
		}
		if err := made.Sign(draft, secret); err != nil {
			t.Fatal(err)
		}
		return &proof.Request{
			Method: http.MethodPost, Path: draft.URL.Path, Query: draft.URL.Query(), RawQuery: draft.URL.RawQuery, Header: draft.Header, Body: draft.Body, At: now,
		}
	}
	if request := signedBody(formType); !v.Verify(request).OK || request.RawQuery != "" {
		t.Errorf("a form with the query %q is refused", request.RawQuery)
	}
	request := signedBody("application/json")
	if !v.Verify(request).OK {
		t.Error("a digest that fits is refused")
	}
	request.Body = []byte("a=2")
	if v.Verify(request).OK || v.Diagnose(request, proof.Hints{}).Cause != proof.CauseBodyAltered {
		t.Errorf("another body: %v", v.Diagnose(request, proof.Hints{}))
	}
	// Whoever calls the body a form can't have it signed by nothing.
	request.Header.Set("Content-Type", formType)
	if v.Verify(request).OK {
		t.Error("a body that is called a form is accepted")
	}
}

func TestDescriptionsThatCanNotWorkAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for want, by := range map[string]proof.Signature{
		"signature.header is missing":                                   {},
		"two places for one signature":                                  {Header: "X-S", At: "/sign"},
		`signature.at: "sign" is no place`:                              {At: "sign"},
		`signature.timestamp_at: "at" is no place`:                      {Header: "X-S", TimestampAt: "at"},
		"has {bdoy} in it, which is none of":                            {Header: "X-S", Signed: "{bdoy}"},
		"the signature of one notification fits every other":            {Header: "X-S", Signed: "{url}", URL: "https://a"},
		"gateway.public_url must say":                                   {Header: "X-S", Signed: "{url}{body}"},
		"write {body:unsigned}":                                         {At: "/sign", Signed: "{body}"},
		"name it in signature.at":                                       {Header: "X-S", Signed: "{body:unsigned}"},
		"must have the secret in it":                                    {Header: "X-S", Algorithm: proof.AlgorithmDigest},
		"which is for signature.algorithm digest":                       {Header: "X-S", Signed: "{body}{secret}"},
		"signature.algorithm must be":                                   {Header: "X-S", Algorithm: "dsa"},
		"signature.secret_encoding must be":                             {Header: "X-S", SecretEncoding: "base32"},
		"anybody can make two texts of one hash":                        {Header: "X-S", Algorithm: proof.AlgorithmRSA, Hash: proof.HashMD5},
		"signature.signed has the signature itself in it":               {Header: "X-S", Signed: "{header:x-s}{body}"},
		"signature.timestamp_prefix or signature.timestamp_at must say": {Header: "X-S", Signed: "{timestamp}{body}"},
		"signature.id_at must say":                                      {Header: "X-S", Signed: "{id}{body}"},
	} {
		if _, err := by.Proof(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", by, err, want)
		}
	}
}
