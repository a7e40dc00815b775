package up_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/sluice/local"
)

// preset is what one kind of sender sends, and what it is to become. The bodies have %d for a number that tells
// notifications apart.
type preset struct {
	configured, kind, body    string
	wantType, instance, order string
	wrong                     string // the cause when the secret is wrong
	// inBody says that the secret stands in the body, with which it is kept.
	inBody bool
	// key makes the keys of senders that sign with a private one, which the command line does not have.
	key func(t *testing.T, secret string) keyPair
}

// anyOrder is for an order key that is made up by who sends.
const anyOrder = "any"

func presets() map[string]preset {
	return map[string]preset{
		"green-api": {
			body: `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1101000001,"wid":"1@c.us","typeInstance":"whatsapp"},` +
				`"from":"7@c.us","idMessage":"%d","timestamp":1700000000}`,
			wantType: "incomingCall", instance: "1101000001", order: "7@c.us", wrong: proof.CauseWrongToken,
		},
		"timepad": {
			body: `{"id":7,"status":{"name":"paid"},"organization":{"id":43},"hook_guid":"g-%d","hook_generated_at":"2026-03-01 12:00:05",` +
				`"created_at":"2026-03-01 12:00:00","mail":"a@example.org","tickets":[]}`,
			wantType: "order", instance: "43", order: "order/7", wrong: proof.CauseWrongSecret,
		},
		"sms-by": {
			body: "channel=VIBER&message_id=%d&status=SENT", wantType: "messageStatus", order: "%d", wrong: proof.CauseWrongToken,
		},
		"github": {
			kind: "issues", body: `{"action":"opened","repository":{"full_name":"a/b","owner":{"login":"a"}},"number":%d}`,
			wantType: "issues.opened", instance: "a", order: "a/b", wrong: proof.CauseWrongSecret,
		},
		"slack": {
			body:     `{"type":"event_callback","team_id":"T","event_id":"E%d","event_time":1749207600,"event":{"type":"message","channel":"C"}}`,
			wantType: "message", instance: "T", order: "C", wrong: proof.CauseWrongSecret,
		},
		"dropbox": {
			body: `{"list_folder":{"accounts":["dbid:1","dbid:%d"]}}`, wantType: "list_folder", order: "dbid:1", wrong: proof.CauseWrongSecret,
		},
		"stripe": {
			body:     `{"id":"evt_%d","object":"event","type":"charge.succeeded","account":"acct","created":1749207600,"data":{"object":{"id":"ch_1"}}}`,
			wantType: "charge.succeeded", instance: "acct", order: "ch_1", wrong: proof.CauseWrongSecret,
		},
		"shopify": {
			kind: "orders/create", body: `{"id":%d}`, wantType: "orders/create", instance: "example.myshopify.com", wrong: proof.CauseWrongSecret,
		},
		"standard-webhooks": {
			body: `{"type":"user.created","timestamp":"2025-06-06T11:00:00Z","data":{"n":%d}}`, wantType: "user.created", order: anyOrder,
			wrong: proof.CauseWrongSecret,
		},
		"generic": {
			configured: `, auth: signature, signature: {header: X-Crm, hash: sha512}, read: {type: /kind, instance: /account, order: /deal, id: [/n]}`,
			body:       `{"kind":"deal","account":"5","deal":"9","n":%d}`, wantType: "deal", instance: "5", order: "9", wrong: proof.CauseWrongSecret,
		},
		"telegram": {
			body:     `{"update_id":%d,"callback_query":{"id":"4","from":{"id":7},"message":{"message_id":1,"chat":{"id":-100123}},"data":"x"}}`,
			wantType: "callback_query", order: "-100123", wrong: proof.CauseWrongToken,
		},
		"whatsapp-cloud": {
			body: `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"metadata":` +
				`{"phone_number_id":"106"},"messages":[{"from":"16315551181","id":"wamid.%d","timestamp":"1669233778","type":"text"}]}}]}]}`,
			wantType: "messages", instance: "106", order: "16315551181", wrong: proof.CauseWrongSecret,
		},
		"viber": {
			body:     `{"event":"message","timestamp":1457764197627,"message_token":%d,"sender":{"id":"01234567890A="},"message":{"type":"text"}}`,
			wantType: "message", order: "01234567890A=", wrong: proof.CauseWrongSecret,
		},
		"vk": {
			body:     `{"group_id":123,"type":"message_new","event_id":"e%d","object":{"message":{"id":1,"peer_id":456}}}`,
			wantType: "message_new", instance: "123", order: "456", wrong: proof.CauseWrongToken, inBody: true,
		},
		"bitrix24": {
			body:     "event=ONCRMDEALUPDATE&event_handler_id=%d&data%5BFIELDS%5D%5BID%5D=662&ts=1669233778&auth%5Bdomain%5D=example.bitrix24.ru",
			wantType: "ONCRMDEALUPDATE", instance: "example.bitrix24.ru", order: "662", wrong: proof.CauseWrongToken, inBody: true,
		},
		"amocrm": {
			body:     "leads%5Bstatus%5D%5B0%5D%5Bid%5D=253&leads%5Bstatus%5D%5B0%5D%5Bstatus_id%5D=%d&account%5Bsubdomain%5D=example",
			wantType: "leads[status]", instance: "example", order: "253", wrong: proof.CauseWrongToken,
		},
		"yookassa": {
			body:     `{"type":"notification","event":"payment.succeeded","object":{"id":"22d6-%d","status":"succeeded"}}`,
			wantType: "payment.succeeded", order: "22d6-%d", wrong: proof.CauseWrongToken,
		},
		"tbank": {
			body:     `{"TerminalKey":"1234567890DEMO","OrderId":"21","Success":true,"Status":"AUTHORIZED","PaymentId":%d,"Amount":1111}`,
			wantType: "AUTHORIZED", instance: "1234567890DEMO", order: "21", wrong: proof.CauseWrongSecret,
		},
		"cloudpayments": {
			body:     "TransactionId=%d&Amount=10.00&InvoiceId=1234&Status=Completed&OperationType=Payment",
			wantType: "Payment", order: "1234", wrong: proof.CauseWrongSecret,
		},
		"gitlab": {
			body:     `{"object_kind":"push","project":{"namespace":"Mike","path_with_namespace":"mike/diaspora"},"after":"%d"}`,
			wantType: "push", instance: "Mike", order: "mike/diaspora", wrong: proof.CauseWrongToken,
		},
		"woocommerce": {
			kind: "order.created", body: `{"id":721,"number":"%d"}`, wantType: "order.created", order: "721", wrong: proof.CauseWrongSecret,
		},
		"zoom": {
			body:     `{"event":"meeting.started","event_ts":166923377800%d,"payload":{"account_id":"AAA","object":{"id":"1","uuid":"u=="}}}`,
			wantType: "meeting.started", instance: "AAA", order: "u==", wrong: proof.CauseWrongSecret,
		},
		"twitch": {
			body:     `{"subscription":{"type":"channel.follow","condition":{"broadcaster_user_id":"1337"}},"event":{"user_id":"%d"}}`,
			wantType: "channel.follow", instance: "1337", order: "1337", wrong: proof.CauseWrongSecret,
		},
		"twilio": {
			body:     "MessageSid=SM%d&AccountSid=AC1&SmsStatus=received&From=%2B15551230001&To=%2B15551230002&Body=yes",
			wantType: "message", instance: "AC1", order: "+15551230001", wrong: proof.CauseWrongSecret,
		},
		"mollie": {body: "id=tr_%d", wantType: "changed", order: "tr_%d", wrong: proof.CauseWrongToken},
		"discord": {
			body:     `{"application_id":"1","channel_id":"645","data":{"name":"cards"},"id":"%d","token":"A","type":2,"version":1}`,
			wantType: "application_command", instance: "1", order: "645", wrong: proof.CauseWrongSecret, key: discordKeys,
		},
		"paypal": {
			configured: `, signature: {signed: '{id}|{timestamp}|4JH86294D6297924G|{body:crc32}'}`,
			body: `{"id":"WH-%d","event_type":"PAYMENT.CAPTURE.COMPLETED","create_time":"2026-03-01T12:00:00Z",` +
				`"resource":{"id":"2GG","supplementary_data":{"related_ids":{"order_id":"5O19"}}}}`,
			wantType: "PAYMENT.CAPTURE.COMPLETED", order: "5O19", wrong: proof.CauseWrongSecret, key: paypalKeys,
		},
	}
}

// keyPair is what a sender has who signs with a private key.
type keyPair struct {
	// public is the key as it is configured.
	public string
	// sign sets the fields of a request that prove where a body comes from.
	sign func(header http.Header, body string) error
}

// post sends a body to the source as its sender does, and returns the status.
func (k keyPair) post(t *testing.T, dir, source, body string) (status int) {
	t.Helper()
	description, err := local.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	url := description.GatewayURL + description.Sources[source].Path
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	request.Header.Set("Content-Type", "application/json")
	if err := k.sign(request.Header, body); err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

func discordKeys(_ *testing.T, secret string) keyPair {
	seed := sha256.Sum256([]byte(secret))
	key := ed25519.NewKeyFromSeed(seed[:])
	return keyPair{hex.EncodeToString(key[ed25519.SeedSize:]), func(header http.Header, body string) error {
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		header.Set("X-Signature-Timestamp", stamp)
		header.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(key, []byte(stamp+body))))
		return nil
	}}
}

// paypalMade are PayPal's keys by secret, since making one takes a while.
var paypalMade sync.Map

// paypalKeys has a certificate as the one that PAYPAL-CERT-URL leads to.
func paypalKeys(t *testing.T, secret string) keyPair {
	t.Helper()
	made, _ := paypalMade.LoadOrStore(secret, sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }))
	key, err := made.(func() (*rsa.PrivateKey, error))()
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	return keyPair{string(public), func(header http.Header, body string) error {
		id, stamp := "69cd13f0-d67a-11e5-baa3-778b53f4ae55", time.Now().UTC().Format(time.RFC3339)
		sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|4JH86294D6297924G|%d", id, stamp, crc32.ChecksumIEEE([]byte(body))))
		code, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		header.Set("Paypal-Transmission-Id", id)
		header.Set("Paypal-Transmission-Time", stamp)
		header.Set("Paypal-Transmission-Sig", base64.StdEncoding.EncodeToString(code))
		return err
	}}
}
