package source_test

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// sender is what a preset's sender sends, as its documentation has it.
type sender struct {
	contentType, body string
	// prove makes the request one of who has the secret, by the documentation and not by the preset. Nil is for secrets in
	// the path.
	prove func(r *proof.Request, secret string)
	// header are other fields.
	header map[string]string
	// want is type, instance and order, with spaces between.
	want string
	// stamped says that the time is signed, and tolerance how old it may be, ten minutes at the most where it is 0.
	stamped   bool
	tolerance time.Duration
	// public returns the public key of who has the secret, for senders that sign with a private one.
	public func(secret string) string
	// configured is what a source needs beside its secrets.
	configured config.Source
}

// source is a source of the sender with these secrets, or their public keys.
func (s sender) source(secrets ...string) config.Source {
	written := s.configured
	for _, one := range secrets {
		if s.public != nil {
			one = s.public(one)
		}
		written.Secrets = append(written.Secrets, credential(one))
	}
	return written
}

func mac(secret, text string) []byte {
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write([]byte(text))
	return sum.Sum(nil)
}

func inHeader(name string) func(*proof.Request, string) {
	return func(r *proof.Request, secret string) { r.Header.Set(name, secret) }
}

func hexed(name, prefix string) func(*proof.Request, string) {
	return func(r *proof.Request, secret string) {
		r.Header.Set(name, prefix+hex.EncodeToString(mac(secret, string(r.Body))))
	}
}

func coded(name string) func(*proof.Request, string) {
	return func(r *proof.Request, secret string) {
		r.Header.Set(name, base64.StdEncoding.EncodeToString(mac(secret, string(r.Body))))
	}
}

// within puts the secret where the body has it.
func within(r *proof.Request, secret string) {
	r.Body = []byte(strings.ReplaceAll(string(r.Body), "SECRET", secret))
}

func senders() map[string]sender {
	return map[string]sender{
		"telegram": {
			contentType: jsonType, body: `{"update_id":10000,"callback_query":{"id":"4","from":{"id":7},"message":{"message_id":1,"chat":{"id":-100123,"type":"group"}},"data":"x"}}`,
			prove: inHeader("X-Telegram-Bot-Api-Secret-Token"), want: "callback_query  -100123",
		},
		"whatsapp-cloud": {
			contentType: jsonType, prove: hexed("X-Hub-Signature-256", "sha256="), want: "messages 106540352242922 16315551181",
			body: `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp",` +
				`"metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},"contacts":[{"profile":{"name":"S"},"wa_id":"16315551181"}],` +
				`"messages":[{"from":"16315551181","id":"wamid.ABGG","timestamp":"1669233778","type":"text","text":{"body":"hi"}}]},"field":"messages"}]}]}`,
		},
		"viber": {
			contentType: jsonType, prove: hexed("X-Viber-Content-Signature", ""), want: "message  01234567890A=",
			body: `{"event":"message","timestamp":1457764197627,"message_token":4912661846655238145,"sender":{"id":"01234567890A=","name":"J"},"message":{"type":"text","text":"x"}}`,
		},
		"vk": {
			contentType: jsonType, prove: within, want: "message_new 123 456",
			body: `{"group_id":123,"type":"message_new","event_id":"e1","v":"5.199","object":{"message":{"id":1,"date":1669233778,"peer_id":456}},"secret":"SECRET"}`,
		},
		"bitrix24": {
			contentType: formType, prove: within, want: "ONCRMDEALUPDATE example.bitrix24.ru 662",
			body: "event=ONCRMDEALUPDATE&event_handler_id=9&data%5BFIELDS%5D%5BID%5D=662&ts=1669233778&auth%5Bdomain%5D=example.bitrix24.ru&auth%5Bapplication_token%5D=SECRET",
		},
		"amocrm": {
			contentType: formType, want: "leads[status] example 25399013",
			body: "leads%5Bstatus%5D%5B0%5D%5Bid%5D=25399013&leads%5Bstatus%5D%5B0%5D%5Bstatus_id%5D=7039101&account%5Bid%5D=7&account%5Bsubdomain%5D=example",
		},
		"yookassa": {
			contentType: jsonType, want: "payment.succeeded  22d6d597-000f-5000-9000-145f6df21d6f",
			body: `{"type":"notification","event":"payment.succeeded","object":{"id":"22d6d597-000f-5000-9000-145f6df21d6f","status":"succeeded","created_at":"2018-07-10T14:27:54.691Z"}}`,
		},
		"tbank": {
			contentType: jsonType, want: "AUTHORIZED 1234567890DEMO 000000",
			body: `{"TerminalKey":"1234567890DEMO","OrderId":"000000","Success":true,"Status":"AUTHORIZED","PaymentId":4,"Amount":1111,"Data":{"a":"b"},"Token":"SECRET"}`,
			prove: func(r *proof.Request, secret string) {
				amount := "1111" // By name: Amount, OrderId, Password, PaymentId, Status, Success, TerminalKey.
				if strings.Contains(string(r.Body), "1112") {
					amount = "1112"
				}
				sum := sha256.Sum256([]byte(amount + "000000" + secret + "4AUTHORIZEDtrue1234567890DEMO"))
				within(r, hex.EncodeToString(sum[:]))
			},
		},
		"cloudpayments": {
			contentType: formType, body: "TransactionId=504&Amount=10.00&Currency=RUB&InvoiceId=1234&Status=Completed&OperationType=Payment",
			prove: coded("Content-HMAC"), want: "Payment  1234",
		},
		"gitlab": {
			contentType: jsonType, body: `{"object_kind":"push","project":{"namespace":"Mike","path_with_namespace":"mike/diaspora"},"ref":"x"}`,
			prove: inHeader("X-Gitlab-Token"), header: map[string]string{"X-Gitlab-Event": "Push Hook", "Idempotency-Key": "i"}, want: "push Mike mike/diaspora",
		},
		"woocommerce": {
			contentType: jsonType, body: `{"id":721,"status":"processing"}`, prove: coded("X-WC-Webhook-Signature"),
			header: map[string]string{"X-WC-Webhook-Topic": "order.created", "X-WC-Webhook-Source": "https://example.com/"},
			want:   "order.created https://example.com/ 721",
		},
		"zoom": {
			contentType: jsonType, body: `{"event":"meeting.started","event_ts":1669233778000,"payload":{"account_id":"AAA","object":{"id":"1","uuid":"u=="}}}`,
			want: "meeting.started AAA u==", stamped: true,
			prove: func(r *proof.Request, secret string) {
				stamp := strconv.FormatInt(now.Unix(), 10)
				r.Header.Set("X-Zm-Request-Timestamp", stamp)
				r.Header.Set("X-Zm-Signature", "v0="+hex.EncodeToString(mac(secret, "v0:"+stamp+":"+string(r.Body))))
			},
		},
		"twitch": {
			contentType: jsonType, body: `{"subscription":{"type":"channel.follow","condition":{"broadcaster_user_id":"1337"}},"event":{"user_id":"7"}}`,
			want: "channel.follow 1337 1337", stamped: true,
			prove: func(r *proof.Request, secret string) {
				stamp := now.Format(time.RFC3339Nano)
				r.Header.Set("Twitch-Eventsub-Message-Id", "e76c6bd4")
				r.Header.Set("Twitch-Eventsub-Message-Timestamp", stamp)
				r.Header.Set("Twitch-Eventsub-Message-Signature", "sha256="+hex.EncodeToString(mac(secret, "e76c6bd4"+stamp+string(r.Body))))
			},
		},
		"twilio": {
			contentType: formType, prove: twilioProof, want: "message AC1 +15551230001", configured: config.Source{PublicURL: "https://hooks.example.org"},
			body: "ToCountry=US&MessageSid=SM1&AccountSid=AC1&SmsStatus=received&From=%2B15551230001&To=%2B15551230002&Body=%D0%B4%D0%B0+yes",
		},
		"discord": {
			contentType: jsonType, prove: discordProof, public: discordPublic, stamped: true, want: "application_command 1 645027906669510667",
			body: `{"application_id":"1","channel_id":"645027906669510667","data":{"id":"7","name":"cardsearch","type":1},"id":"786008729715212338","token":"A","type":2,"version":1}`,
		},
		"paypal": {
			contentType: jsonType, prove: paypalProof, public: paypalCertificate, stamped: true, tolerance: 73 * time.Hour, want: "PAYMENT.CAPTURE.COMPLETED  5O190127TN364715T",
			body: `{"id":"WH-58D329510W468432D","event_type":"PAYMENT.CAPTURE.COMPLETED","create_time":"2026-03-01T12:00:00Z",` +
				`"resource":{"id":"2GG","supplementary_data":{"related_ids":{"order_id":"5O190127TN364715T"}}}}`,
			configured: config.Source{Signature: config.Signature{Signed: "{id}|{timestamp}|4JH86294D6297924G|{body:crc32}"}},
		},
		"mollie": {contentType: formType, body: "id=tr_d0b0E3EA3v", want: "changed  tr_d0b0E3EA3v"},
	}
}

// sent is the sender's request with the secret, and with one character of the body changed before or after it is proved.
func (s sender) sent(secret string) *proof.Request {
	r := &proof.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {s.contentType}}, Body: []byte(s.body), At: now}
	for name, value := range s.header {
		r.Header.Set(name, value)
	}
	if s.prove == nil {
		r.Rest = secret
		return r
	}
	s.prove(r, secret)
	return r
}

func TestPresetsTakeWhatTheirSendersProveAndNothingElse(t *testing.T) {
	t.Parallel()
	const other = "another-secret-of-a-source"
	for name, s := range senders() {
		one := configured(t, name, s.source(secret, other))
		for i, used := range []string{secret, other} { // While it is changed, both are right.
			if got := one.Verifier.Verify(s.sent(used)); !got.OK || got.Secret != i {
				t.Errorf("%s with secret %d: %+v, %v", name, i, got, one.Verifier.Diagnose(s.sent(used), proof.Hints{}))
			}
		}
		if one.Verifier.Verify(s.sent("guessed-secret-0123456789")).OK {
			t.Errorf("%s takes a wrong secret", name)
		}
		if _, signs := proof.SignatureOf(one.Proofs[0]); signs {
			altered := s.sent(secret)
			altered.Body = []byte(strings.Replace(string(altered.Body), "1", "2", 1))
			if one.Verifier.Verify(altered).OK || string(altered.Body) == string(s.sent(secret).Body) {
				t.Errorf("%s takes an altered body", name)
			}
		}
		if s.stamped {
			stale := s.sent(secret)
			stale.At = now.Add(cmp.Or(s.tolerance, 10*time.Minute) + time.Minute)
			if one.Verifier.Verify(stale).OK || one.Verifier.Diagnose(stale, proof.Hints{}).Cause != proof.CauseClockSkew {
				t.Errorf("%s takes an old request", name)
			}
		}
	}
}

func TestPresetsReadWhatTheirSendersMean(t *testing.T) {
	t.Parallel()
	for name, s := range senders() {
		one := configured(t, name, s.source(secret))
		r := s.sent(secret)
		n := &notification.Notification{Origin: notification.Origin{
			Source: name, Provider: name, ContentType: s.contentType, Body: r.Body, Header: one.Carried(r), ReceivedAt: now, RequestID: "r",
		}}
		parts, fault := source.Parts(source.Providers(), n)
		if fault != nil || len(parts) != 1 {
			t.Fatalf("%s: %d parts, %v", name, len(parts), fault)
		}
		what, fault := source.Interpret(source.Providers(), parts[0])
		id := what.Identity
		if got := fmt.Sprintf("%s %s %s", id.Type, id.Instance, id.OrderKey); fault != nil || got != s.want {
			t.Errorf("%s is read as %q, want %q (%v)", name, got, s.want, fault)
		}
	}
}

func TestChallengesOfPresetsAreAnsweredAndTheirAnswersGiven(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		challenge config.Challenge
		request   *proof.Request
		want      string
	}{
		"whatsapp-cloud": {config.Challenge{Password: config.NewSecret("agreed-on")}, asking(http.MethodGet, "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=agreed-on", "", ""), "1158201444"},
		"vk":             {config.Challenge{Answer: "0123abcd"}, asking(http.MethodPost, "", jsonType, `{"type":"confirmation","group_id":1}`), "0123abcd"},
		"woocommerce":    {config.Challenge{}, asking(http.MethodPost, "", formType, "webhook_id=7"), ""},
		"zoom":           {config.Challenge{}, asking(http.MethodPost, "", jsonType, `{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event":"endpoint.url_validation"}`), `{"plainToken":"qgg8vlvZRS6UYooatFL8Aw","encryptedToken":"` + hex.EncodeToString(mac(secret, "qgg8vlvZRS6UYooatFL8Aw")) + `"}`},
	} {
		one := configured(t, name, config.Source{Challenge: test.challenge, Secrets: []config.Credential{credential(secret)}})
		if reply, ok, err := one.Challenged(test.request, 0); !ok || err != nil || reply.Body != test.want || reply.Status != http.StatusOK {
			t.Errorf("%s is answered %+v, %t (%v)", name, reply, ok, err)
		}
	}
	twitch := asking(http.MethodPost, "", jsonType, `{"challenge":"pogchamp-kappa-360noscope-vohiyo","subscription":{}}`)
	twitch.Header.Set("Twitch-Eventsub-Message-Type", "webhook_callback_verification")
	if reply, ok, err := configured(t, "twitch", config.Source{}).Challenged(twitch, 0); !ok || err != nil || reply.Body != "pogchamp-kappa-360noscope-vohiyo" {
		t.Errorf("twitch is answered %+v", reply)
	}
	for name, want := range map[string]string{"vk": "ok", "tbank": "OK", "cloudpayments": `{"code":0}`} {
		if reply, ok := configured(t, name, config.Source{}).Answered(asking(http.MethodPost, "", jsonType, "{}")); !ok || reply.Body != want {
			t.Errorf("%s is answered %+v", name, reply)
		}
	}
}

func TestMetasBatchIsAnEventForEachMessageAndStatus(t *testing.T) {
	t.Parallel()
	const change = `{"value":{"metadata":{"phone_number_id":"%s"},%s},"field":"messages"}`
	body := `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[` +
		fmt.Sprintf(change, "A", `"messages":[{"from":"7","id":"m1"},{"from":"8","id":"m2"}]`) + `,` +
		fmt.Sprintf(change, "B", `"statuses":[{"id":"m0","status":"sent","recipient_id":"9"},{"id":"m0","status":"read","recipient_id":"9"}]`) +
		`]},{"id":"2","changes":[{"field":"account_update","value":{"event":"X"}}]}]}`
	n := came("whatsapp-cloud", body)
	parts, fault := source.Parts(source.Providers(), n)
	if fault != nil {
		t.Fatal(fault)
	}
	var got []string
	keys := map[string]bool{}
	for _, part := range parts {
		what, fault := source.Interpret(source.Providers(), part)
		if fault != nil {
			t.Fatal(fault)
		}
		got = append(got, what.Identity.Type+" "+what.Identity.Instance+" "+what.Identity.OrderKey)
		keys[what.Identity.Key] = true
	}
	if want := "[messages A 7 messages A 8 statuses B 9 statuses B 9 account_update 2 ]"; fmt.Sprint(got) != want || len(keys) != 5 {
		t.Errorf("it is %v with %d keys, want %s", got, len(keys), want)
	}
}

func TestMollieSaysEachTimeTheSameAndMeansSomethingElse(t *testing.T) {
	t.Parallel()
	key := func(request string) string {
		n := came("mollie", "id=tr_1")
		n.ContentType, n.RequestID, n.ReceivedAt = formType, request, now
		return identityOf(t, n).Key
	}
	if first, second := key("r1"), key("r1"); first != second || first == key("r2") {
		t.Error("of two requests one event is made, or of one two")
	}
}
