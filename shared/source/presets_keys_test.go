package source_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// twilioProof signs as Twilio's documentation has it: the URL, and the fields by name.
func twilioProof(r *proof.Request, secret string) {
	r.Path = "/twilio/webhook"
	fields, err := url.ParseQuery(string(r.Body))
	if err != nil {
		panic(err)
	}
	text := "https://hooks.example.org/twilio/webhook"
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		text += name + fields.Get(name)
	}
	r.Header.Set("X-Twilio-Signature", twilioCode(secret, text))
}

func twilioCode(secret, text string) string {
	sum := hmac.New(sha1.New, []byte(secret))
	sum.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(sum.Sum(nil))
}

// discordKey is the key of who has the secret.
func discordKey(secret string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(secret))
	return ed25519.NewKeyFromSeed(seed[:])
}

func discordPublic(secret string) string {
	return hex.EncodeToString(discordKey(secret)[ed25519.SeedSize:])
}

func discordProof(r *proof.Request, secret string) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("X-Signature-Timestamp", stamp)
	r.Header.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(discordKey(secret), append([]byte(stamp), r.Body...))))
}

// paypalKeys are keys by secret, since making one takes a while.
var paypalKeys sync.Map

func paypalKey(secret string) *rsa.PrivateKey {
	made, _ := paypalKeys.LoadOrStore(secret, sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return key
	}))
	return made.(func() *rsa.PrivateKey)()
}

// paypalCertificate is what PAYPAL-CERT-URL leads to.
func paypalCertificate(secret string) string {
	key := paypalKey(secret)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: now.Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
}

func paypalProof(r *proof.Request, secret string) {
	id, stamp := "69cd13f0-d67a-11e5-baa3-778b53f4ae55", now.Format(time.RFC3339)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|4JH86294D6297924G|%d", id, stamp, crc32.ChecksumIEEE(r.Body)))
	code, err := rsa.SignPKCS1v15(rand.Reader, paypalKey(secret), crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	r.Header.Set("PAYPAL-TRANSMISSION-ID", id)
	r.Header.Set("PAYPAL-TRANSMISSION-TIME", stamp)
	r.Header.Set("PAYPAL-TRANSMISSION-SIG", base64.StdEncoding.EncodeToString(code))
	r.Header.Set("PAYPAL-AUTH-ALGO", "SHA256withRSA")
}

func TestPresetsRefuseASourceThatLacksWhatTheyVerifyBy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ sources, want string }{
		"no URL": {
			"twilio: {token: " + secret + "}",
			"sources.twilio.signature: signature.signed has {url} in it, so gateway.public_url must say how senders call the gateway, as in https://hooks.example.org",
		},
		"no id of a webhook": {
			"paypal: {token: " + secret + "}",
			`sources.paypal.signature: signature.signed is missing: write "{id}|{timestamp}|WEBHOOK-ID|{body:crc32}" with your own id in it`,
		},
		"no certificate": {
			"paypal: {token: " + secret + ", signature: {signed: '{id}|{timestamp}|4JH86294D6297924G|{body:crc32}'}}",
			"sources.paypal.token: a secret of the source is no public key: it is neither PEM nor in hexadecimal digits nor in base64",
		},
		"a key of another length": {
			"discord: {token: " + secret + "}", "sources.discord.token: a secret of the source is no public key",
		},
	} {
		if told := faults(t, "sources:\n  "+test.sources+"\n"); !strings.Contains(told, test.want) {
			t.Errorf("%s is told\n%s", name, told)
		}
	}
	for _, name := range []string{"twilio", "paypal"} { // Configurations that were put together in code are checked as well.
		if _, err := source.Configure(map[string]config.Source{name: {Secrets: []config.Credential{credential(secret)}}}); err == nil {
			t.Errorf("%s is configured without what it is verified by", name)
		}
	}
}

func TestTwilioSignsWhatIsNoFormByItsDigest(t *testing.T) {
	t.Parallel()
	one := configured(t, "twilio", config.Source{PublicURL: "https://hooks.example.org"})
	body := `{"AccountSid":"AC1"}`
	sum := sha256.Sum256([]byte(body))
	query := "bodySHA256=" + hex.EncodeToString(sum[:])
	r := asking(http.MethodPost, query, jsonType, body)
	r.Path, r.RawQuery = "/twilio/webhook", query
	r.Header.Set("X-Twilio-Signature", twilioCode(secret, "https://hooks.example.org/twilio/webhook?"+query))
	if !one.Verifier.Verify(r).OK {
		t.Error("it is refused")
	}
	r.Body = []byte(`{"AccountSid":"AC2"}`)
	if one.Verifier.Verify(r).OK {
		t.Error("an altered body is taken")
	}
	if reply, ok := one.Answered(r); !ok || reply != (source.Reply{Status: http.StatusOK, ContentType: "text/xml", Body: "<Response/>"}) {
		t.Errorf("it is answered %+v", reply)
	}
}

func TestTwilioTellsKindsApart(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"AccountSid=A&MessageSid=SM1&MessageStatus=sent&SmsStatus=sent&From=1":    "message.status SM1",
		"AccountSid=A&MessageSid=SM1&MessageStatus=failed&SmsStatus=failed":       "message.status SM1",
		"AccountSid=A&CallSid=CA1&CallStatus=ringing&From=1":                      "call CA1",
		"AccountSid=A&CallSid=CA1&RecordingSid=RE1&RecordingStatus=completed":     "recording CA1",
		"AccountSid=A&EventType=onMessageAdded&ConversationSid=CH1&MessageSid=IM": "onMessageAdded CH1",
	} {
		n := came("twilio", body)
		n.ContentType = formType
		if got := identityOf(t, n); got.Type+" "+got.OrderKey != want || got.Instance != "A" {
			t.Errorf("%s is %+v, want %s", body, got, want)
		}
	}
	again := func(token string) string {
		n := came("twilio", "AccountSid=A&MessageSid=SM1&SmsStatus=received")
		n.ContentType, n.Header = formType, map[string]string{"I-Twilio-Idempotency-Token": token}
		return identityOf(t, n).Key
	}
	if first, second := again("a"), again("a"); first != second || first == again("b") {
		t.Error("a delivery that is sent again is another event, or two deliveries are one")
	}
}

func TestDiscordIsAnsweredAndItsEventsAreNoChallenge(t *testing.T) {
	t.Parallel()
	s := senders()["discord"]
	one := configured(t, "discord", s.source(secret))
	ping := asking(http.MethodPost, "", jsonType, `{"id":"1","application_id":"2","type":1,"version":1}`)
	if reply, ok, err := one.Challenged(ping, 0); !ok || err != nil || reply.Body != `{"type":1}` || reply.ContentType != jsonType {
		t.Errorf("the ping is answered %+v", reply)
	}
	event := asking(http.MethodPost, "", jsonType, `{"version":1,"application_id":"2","type":1,"event":{"type":"APPLICATION_AUTHORIZED","timestamp":"2026-03-01T12:00:00Z","data":{"user":{"id":"7"}}}}`)
	if _, ok, _ := one.Challenged(event, 0); ok {
		t.Error("an event is taken for a challenge")
	}
	for body, want := range map[string]source.Reply{
		string(event.Body): {Status: http.StatusNoContent}, `{"type":0}`: {Status: http.StatusNoContent},
		`{"type":2}`: {Status: http.StatusOK, ContentType: jsonType, Body: `{"type":5}`},
		`{"type":4}`: {Status: http.StatusOK, ContentType: jsonType, Body: `{"type":8,"data":{"choices":[]}}`},
	} {
		reply, ok := one.Answered(asking(http.MethodPost, "", jsonType, body))
		if want.Body == "" {
			reply.ContentType = "" // Which is not sent without a body.
		}
		if !ok || reply != want {
			t.Errorf("%s is answered %+v", body, reply)
		}
	}
	if got := identityOf(t, came("discord", string(event.Body))); got.Type != "APPLICATION_AUTHORIZED" || got.OrderKey != "7" || got.Instance != "2" {
		t.Errorf("the event is %+v", got)
	}
	if got := identityOf(t, came("discord", `{"version":1,"application_id":"2","type":0}`)); got.Type != "ping" {
		t.Errorf("the question is %+v", got)
	}
}

func TestShopifySendsXMLAsWell(t *testing.T) {
	t.Parallel()
	one := configured(t, "shopify", config.Source{})
	r := asking(http.MethodPost, "", "application/xml", `<?xml version="1.0" encoding="UTF-8"?><order><id type="integer">820982911946154508</id><email>jon@doe.ca</email></order>`)
	for name, value := range map[string]string{"Topic": "orders/create", "Shop-Domain": "s.myshopify.com", "Event-Id": "e1"} {
		r.Header.Set("X-Shopify-"+name, value)
	}
	coded("X-Shopify-Hmac-Sha256")(r, secret)
	if !one.Verifier.Verify(r).OK {
		t.Error("it is refused")
	}
	n := &notification.Notification{Origin: notification.Origin{
		Source: "shopify", Provider: "shopify", ContentType: "application/xml", Body: r.Body, Header: one.Carried(r), ReceivedAt: now,
	}}
	what, fault := source.Interpret(source.Providers(), n)
	if fault != nil || what.Identity.Type != "orders/create" || what.Identity.Instance != "s.myshopify.com" {
		t.Fatalf("it is %+v, %v", what.Identity, fault)
	}
	if got := what.Body.String("order", "email"); got != "jon@doe.ca" {
		t.Errorf("the document has %q", got)
	}
	r.Body = append(r.Body, ' ')
	if one.Verifier.Verify(r).OK {
		t.Error("an altered body is taken")
	}
}
