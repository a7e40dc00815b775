package senders_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// fieldSources is one source of each kind that the samples of the field are for.
const fieldSources = `
gateway: {listen: "127.0.0.1:0"}
sources:
  green-api: {token: ` + secret + `}
  sms-by: {token: ` + secret + `}
  github: {token: ` + secret + `}
  slack: {token: ` + secret + `}
  stripe: {token: ` + secret + `}
  standard-webhooks: {token: ` + whsec + `}
  crm: {provider: generic, path: /crm/webhook, auth: none, read: {type: /event, order: /id}}
`

// fieldRow is a sample and what is right for it: rows of the report, in its order.
type fieldRow struct {
	// file is in testdata/field: a whole request (.http), or a body that the source's sender would sign.
	file string
	// source and kind are the source's name and the type that the sender says in a header; empty for GREEN-API and none.
	source, kind string
	// header are more fields of the request.
	header http.Header
	// answer is the whole answer, where it is not the receipt; "-" for an empty one.
	answer string
	// same names the sample before with which it is one event.
	same string

	want notification.Identity // apart from its key
	// fault is in the message of one of the event's faults; empty for none.
	fault string
}

// instance is the account of GREEN-API's samples, ann the chat.
const (
	instance = "1101000001"
	ann      = "71234567890@c.us"
)

// field are the rows. Add one for each sample.
func field() []fieldRow {
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
	message := notification.Identity{Type: "incomingMessageReceived", Instance: instance, OrderKey: ann, SentAt: at(1790000000)}
	status := notification.Identity{Type: "outgoingMessageStatus", Instance: instance, OrderKey: ann, SentAt: at(1790000007)}
	with := func(identity notification.Identity, change func(*notification.Identity)) notification.Identity {
		change(&identity)
		return identity
	}
	return []fieldRow{
		{file: "schema-text-data-empty.json", want: message},
		{file: "schema-sender-and-wid-missing.json", want: with(message, func(i *notification.Identity) { i.Type = "outgoingMessageReceived" })},
		{file: "schema-wid-missing-after-logout.json", want: notification.Identity{Type: "stateInstanceChanged", Instance: instance, SentAt: at(1790000003)}},
		{file: "schema-edited-data-missing.json", want: message},
		{file: "schema-download-url-missing.json", want: message},
		{file: "schema-status-missing.json", want: status},
		{file: "schema-chat-name-null.json", want: message},

		{file: "order-1-sent.json", want: status},
		{file: "order-2-failed-other-domain.json", want: with(status, func(i *notification.Identity) { i.SentAt = at(1790000008) })},
		{file: "identity-repeated-1.json", want: with(message, func(i *notification.Identity) { i.Type = "outgoingAPIMessageReceived" })},
		{file: "identity-repeated-2-name-known.json", same: "identity-repeated-1.json"},
		{file: "order-new-type-of-a-chat.json", want: with(message, func(i *notification.Identity) { i.Type = "editedMessageReceived" })},
		{file: "identity-instance-id-as-float.json", want: message},
		{file: "time-milliseconds.json", want: with(message, func(i *notification.Identity) { i.SentAt = time.UnixMilli(1790000036123).UTC() })},

		{
			file: "svix-two-messages-one-body.json", source: "standard-webhooks", header: http.Header{"Webhook-Id": {"msg_1"}},
			want: notification.Identity{Type: "session.created", OrderKey: "msg_1"},
		},
		{
			file: "svix-two-messages-one-body.json", source: "standard-webhooks", header: http.Header{"Webhook-Id": {"msg_2"}},
			want: notification.Identity{Type: "session.created", OrderKey: "msg_2"},
		},
		{
			file: "standard-webhooks-no-type.json", source: "standard-webhooks", header: http.Header{"Webhook-Id": {"msg_3"}},
			want: notification.Identity{OrderKey: "msg_3"},
		},
		{
			file: "stripe-thin-event.json", source: "stripe", want: notification.Identity{
				Type: "v1.billing.meter.error_report_triggered", OrderKey: "mtr_test_1", SentAt: time.Date(2026, 9, 17, 6, 20, 52, 246_000_000, time.UTC),
			},
		},
		{
			file: "slack-view-submission.form", source: "slack", answer: "-",
			want: notification.Identity{Type: "view_submission", Instance: "T1"},
		},
		{file: "slack-ssl-check.form", source: "slack", answer: "-", want: notification.Identity{Type: "ssl_check"}},
		{
			file: "github-installation.json", source: "github", kind: "installation",
			want: notification.Identity{Type: "installation.created", Instance: "acme", OrderKey: "installation/1"},
		},
		{file: "body-utf8-bom.json", want: message},
		{file: "form-semicolon.http", source: "crm", want: notification.Identity{Type: "note", OrderKey: "7"}},
		{file: "charset-windows-1251.http", source: "crm", want: notification.Identity{Type: "заметка", OrderKey: "9"}},
		{file: "charset-windows-1251-form.http", source: "crm", want: notification.Identity{Type: "заметка", OrderKey: "10"}},
		{file: "multipart-file.http", source: "crm", want: notification.Identity{Type: "media.play", OrderKey: "11"}},
		{file: "xml.http", source: "crm", want: notification.Identity{Type: "заказ"}},
		{file: "encoding-deflate.http", source: "crm", want: notification.Identity{Type: "packed", OrderKey: "12"}},
		{file: "encoding-stacked.http", source: "crm", want: notification.Identity{Type: "packed twice", OrderKey: "13"}},
		{file: "token-header-twice.http", want: message},
		{file: "path-double-slash.http", same: "token-header-twice.http"},
		{file: "sms-by-no-content-type.http", source: "sms-by", want: notification.Identity{Type: "messageStatus", OrderKey: "2892296"}},
	}
}

// What real senders were seen to send goes through, as the report of the field says it should.
func TestSamplesOfTheFieldBecomeWhatIsRight(t *testing.T) { //nolint:gocyclo // One story, told step by step.
	t.Parallel()
	l := start(t, fieldSources)
	receipts, wanted := map[string]uint64{}, map[uint64]fieldRow{}
	folded := map[uint64]uint64{} // receipts of repetitions, with those of what they repeat
	for _, row := range field() {
		receipt, answer := l.sendSample(row)
		if got := strings.TrimSpace(answer); row.answer == "" && !strings.Contains(got, "receipt") || row.answer == "-" && got != "" {
			t.Errorf("%s is answered %q", row.file, answer)
		}
		if row.same != "" {
			folded[receipt] = receipts[row.same]
			continue
		}
		receipts[row.file], wanted[receipt] = receipt, row
	}
	events := l.events(len(wanted))
	for _, event := range events {
		row, there := wanted[event.NotificationSequence]
		delete(wanted, event.NotificationSequence)
		if original, repeats := folded[event.NotificationSequence]; repeats || !there {
			t.Errorf("notification %d is an event of its own, and repeats %d", event.NotificationSequence, original)
			continue
		}
		got := event.Identity
		got.Key = ""
		if row.want.SentAt.IsZero() { // Signed with the present time, or without one.
			got.SentAt = time.Time{}
		}
		if got != row.want {
			t.Errorf("%s is\n%+v, want\n%+v", row.file, got, row.want)
		}
		if faults := faultsOf(&event); row.fault == "" && faults != "" || !strings.Contains(faults, row.fault) {
			t.Errorf("%s has the faults %q, want %q", row.file, faults, row.fault)
		}
	}
	for receipt, row := range wanted {
		t.Errorf("%s, notification %d, is no event", row.file, receipt)
	}
	for _, letter := range l.letters() {
		t.Errorf("notification %d is a dead letter: %s", letter.NotificationSequence, letter.Error)
	}
}

func faultsOf(event *notification.Event) string {
	var faults []string
	for _, fault := range event.Faults {
		faults = append(faults, fault.Pointer+" "+fault.Message)
	}
	return strings.Join(faults, "; ")
}

// sendSample sends a sample as it came, or as its sender would sign it, and returns receipt and answer.
func (l *lab) sendSample(row fieldRow) (receipt uint64, answer string) {
	l.t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "field", row.file))
	if err != nil {
		l.t.Fatal(err)
	}
	request := []byte(strings.NewReplacer("{{TOKEN}}", secret, "{{SMSBY}}", secret).Replace(string(content)))
	if filepath.Ext(row.file) != ".http" {
		request = l.signedRequest(row, content)
	}
	connection, err := (&net.Dialer{Timeout: timeout}).DialContext(l.t.Context(), "tcp", l.address)
	if err != nil {
		l.t.Fatal(err)
	}
	defer connection.Close()
	if _, err := connection.Write(request); err != nil {
		l.t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		l.t.Fatalf("%s: %v", row.file, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		l.t.Fatalf("%s is answered %d %s, error %v", row.file, response.StatusCode, body, err)
	}
	if receipt, err = strconv.ParseUint(response.Header.Get("Sluice-Receipt"), 10, 64); err != nil {
		l.t.Fatalf("%s has no receipt: %v", row.file, err)
	}
	return receipt, string(body)
}

// signedRequest is the request in which a source's sender would send the body.
func (l *lab) signedRequest(row fieldRow, body []byte) []byte {
	l.t.Helper()
	name := row.source
	if name == "" {
		name = "green-api"
	}
	configured := l.cfg.Sources[name]
	provider := source.Providers()[name]
	made, err := source.ProofFor(provider, configured)
	if err != nil {
		l.t.Fatal(err)
	}
	draft := &proof.Draft{URL: &url.URL{Scheme: "http", Host: l.address, Path: configured.Path}, Header: http.Header{}, Body: body, At: time.Now()}
	for field, values := range row.header {
		draft.Header[field] = values
	}
	if filepath.Ext(row.file) == ".form" {
		draft.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if provider.Announce != nil {
		provider.Announce(draft, row.kind)
	}
	if err := made.Sign(draft, configured.Credentials()[0].Secret.Reveal()); err != nil {
		l.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, draft.URL.String(), bytes.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	request.Header = draft.Header
	var written bytes.Buffer
	if err := request.Write(&written); err != nil {
		l.t.Fatal(err)
	}
	return written.Bytes()
}

// A notification of app.sms.by in the query of a GET is the same as in a form.
func TestSMSByMaySendItsFormByGET(t *testing.T) {
	t.Parallel()
	l := start(t, fieldSources)
	for query, want := range map[string]int{"?channel=VIBER&message_id=7&status=SENT": http.StatusOK, "": http.StatusMethodNotAllowed} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.address+"/sms-by/webhook/"+secret+query, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("GET with %q is answered %d, want %d", query, response.StatusCode, want)
		}
	}
	if status, answer := l.post("/sms-by/webhook/"+secret, http.Header{}, []byte("status=SENT&message_id=7&channel=VIBER")); status != http.StatusOK {
		t.Fatalf("answered %d %s", status, answer)
	}
	if status, answer := l.post("/sms-by/webhook/"+secret, http.Header{}, []byte("status=READ&message_id=7&channel=VIBER")); status != http.StatusOK {
		t.Fatalf("answered %d %s", status, answer)
	}
	events := l.events(2)
	if len(events) != 2 || events[0].OrderKey != "7" || events[0].Type != "messageStatus" || events[0].NotificationSequence != 1 {
		t.Errorf("events: %+v", events)
	}
}
