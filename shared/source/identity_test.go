package source_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
)

// came is a notification of the provider, as a gateway would hand it on.
func came(provider, body string, fields ...string) *notification.Notification {
	n := &notification.Notification{Origin: notification.Origin{
		Source: "shop", Provider: provider, ContentType: "application/json", Body: []byte(body),
		Header: map[string]string{},
	}}
	for i := 0; i+1 < len(fields); i += 2 {
		n.Header[http.CanonicalHeaderKey(fields[i])] = fields[i+1]
	}
	n.Type, n.Instance = source.Providers()[provider].Peek(n)
	return n
}

// identityOf interprets a notification that has to be valid.
func identityOf(t *testing.T, n *notification.Notification) notification.Identity {
	t.Helper()
	what, fault := source.Interpret(source.Providers(), n)
	if fault != nil {
		t.Fatalf("%s: %+v", n.Body, fault)
	}
	return what.Identity
}

func TestProvidersNotificationsAreUnderstood(t *testing.T) {
	t.Parallel()
	at := time.Unix(1749207600, 0).UTC()
	for name, test := range map[string]struct {
		n    *notification.Notification
		want notification.Identity
	}{
		"GitHub": {
			came("github", `{"action":"opened","repository":{"full_name":"a/b","owner":{"login":"a"}}}`, "X-GitHub-Event", "issues", "X-GitHub-Delivery", "d-1"),
			notification.Identity{Type: "issues.opened", Instance: "a", OrderKey: "a/b"},
		},
		"GitHub's ping": {
			came("github", `{"zen":"Keep it","organization":{"login":"o"}}`, "X-GitHub-Event", "ping", "X-GitHub-Delivery", "d-1"),
			notification.Identity{Type: "ping", Instance: "o", OrderKey: "o"},
		},
		"Slack": {
			came("slack", `{"type":"event_callback","team_id":"T","event_id":"E","event_time":1749207600,"event":{"type":"message","channel":"C"}}`),
			notification.Identity{Type: "message", Instance: "T", OrderKey: "C", SentAt: at},
		},
		"Slack for an organisation": {
			came("slack", `{"type":"event_callback","team_id":null,"enterprise_id":"E1","event_id":"E","event":{"type":"message","channel":"C"}}`),
			notification.Identity{Type: "message", Instance: "E1", OrderKey: "C"},
		},
		"Slack's authorisation": {
			came("slack", `{"team_id":null,"enterprise_id":"E1","authorizations":[{"team_id":"T9"}],"event_id":"E","event":{"type":"m"}}`),
			notification.Identity{Type: "m", Instance: "T9"},
		},
		"GitHub's installation": {
			came("github", `{"action":"created","installation":{"id":1,"account":{"login":"acme"}},"sender":{"login":"ann"}}`, "X-GitHub-Event", "installation", "X-GitHub-Delivery", "d"),
			notification.Identity{Type: "installation.created", Instance: "acme", OrderKey: "installation/1"},
		},
		"GitHub's repository of an app": {
			came("github", `{"action":"opened","installation":{"id":1},"repository":{"full_name":"a/b","owner":{"login":"a"}}}`, "X-GitHub-Event", "issues", "X-GitHub-Delivery", "d"),
			notification.Identity{Type: "issues.opened", Instance: "a", OrderKey: "a/b"},
		},
		"GitHub's moved account": {
			came("github", `{"action":"renamed","account":{"login":"new"},"installation":{"id":7},"changes":{"login":{"from":"old"}}}`, "X-GitHub-Event", "installation_target", "X-GitHub-Delivery", "d"),
			notification.Identity{Type: "installation_target.renamed", Instance: "new", OrderKey: "installation/7"},
		},
		"GitHub's revoked authorisation": {
			came("github", `{"action":"revoked","sender":{"login":"ann"}}`, "X-GitHub-Event", "github_app_authorization", "X-GitHub-Delivery", "d"),
			notification.Identity{Type: "github_app_authorization.revoked", Instance: "ann", OrderKey: "ann"},
		},
		"Stripe's thin event": {
			came("stripe", `{"id":"evt_1","object":"v2.core.event","type":"v1.billing.meter.no_meter_found","context":"acct_1","created":"2025-06-06T11:00:00.000Z","related_object":{"id":"mtr_1"}}`),
			notification.Identity{Type: "v1.billing.meter.no_meter_found", Instance: "acct_1", OrderKey: "mtr_1", SentAt: at},
		},
		"Standard Webhooks' other type": {
			came("standard-webhooks", `{"event_type":"daily.data"}`, "webhook-id", "msg_1", "webhook-timestamp", "1749207600"),
			notification.Identity{Type: "daily.data", OrderKey: "msg_1", SentAt: at},
		},
		"Standard Webhooks' none": {
			came("standard-webhooks", `{"user":{}}`, "webhook-id", "msg_1", "webhook-timestamp", "1749207600"),
			notification.Identity{OrderKey: "msg_1", SentAt: at},
		},
		"app.sms.by's number": {
			came("sms-by", `{"channel":"VIBER","message_id":2892295,"status":"SENT"}`),
			notification.Identity{Type: "messageStatus", OrderKey: "2892295"},
		},
		"Slack without a channel": {
			came("slack", `{"type":"app_rate_limited","team_id":"T"}`),
			notification.Identity{Type: "app_rate_limited", Instance: "T", Window: time.Minute},
		},
		"Dropbox": {
			came("dropbox", `{"list_folder":{"accounts":["dbid:1","dbid:2"]}}`),
			notification.Identity{Type: "list_folder", OrderKey: "dbid:1", Window: 2 * time.Second},
		},
		"Stripe": {
			came("stripe", `{"id":"evt_1","type":"charge.succeeded","account":"acct","created":1749207600,"data":{"object":{"id":"ch_1"}}}`),
			notification.Identity{Type: "charge.succeeded", Instance: "acct", OrderKey: "ch_1", SentAt: at},
		},
		"Shopify": {
			came("shopify", `{"id":1}`, "X-Shopify-Topic", "orders/create", "X-Shopify-Shop-Domain", "a.myshopify.com", "X-Shopify-Event-Id", "e", "X-Shopify-Triggered-At", "2025-06-06T11:00:00Z"),
			notification.Identity{Type: "orders/create", Instance: "a.myshopify.com", SentAt: at},
		},
		"Standard Webhooks": {
			came("standard-webhooks", `{"type":"user.created","timestamp":"2025-06-06T11:00:00Z"}`, "webhook-id", "msg_1", "webhook-timestamp", "1"),
			notification.Identity{Type: "user.created", OrderKey: "msg_1", SentAt: at},
		},
		"TimePad's order": {
			came("timepad", `{"id":7,"status":{"name":"paid"},"organization":{"id":43},"hook_guid":"g","hook_generated_at":"2025-06-06 14:00:00"}`),
			notification.Identity{Type: "order", Instance: "43", OrderKey: "order/7", Object: "order/7", SentAt: at},
		},
		"TimePad's ticket": {
			came("timepad", `{"id":"7:8","status":"paid","organization_id":"43","hook_guid":"g","hook_generated_at":"2025-06-06T11:00:00Z"}`),
			notification.Identity{Type: "ticket", Instance: "43", OrderKey: "ticket/7:8", Object: "ticket/7:8", SentAt: at},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := identityOf(t, test.n)
			if len(got.Key) != 32 {
				t.Errorf("key %q", got.Key)
			}
			if got.Key = ""; got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			if test.n.Type != test.want.Type || test.n.Instance != test.want.Instance {
				t.Errorf("the gateway takes it for %q of %q", test.n.Type, test.n.Instance)
			}
		})
	}
}

func TestFormOfSMSByIsADocument(t *testing.T) {
	t.Parallel()
	n := came("sms-by", "channel=VIBER&message_id=2892295&status=SENT")
	n.ContentType = "application/x-www-form-urlencoded; charset=utf-8"
	got := identityOf(t, n)
	if got.Type != "messageStatus" || got.OrderKey != "2892295" || n.Type != "messageStatus" {
		t.Errorf("got %+v", got)
	}
	for body, same := range map[string]bool{
		"status=SENT&message_id=2892295&channel=VIBER":      true,
		"channel=VIBER&message_id=2892295&status=DELIVERED": false,
		"channel=SMS&message_id=2892295&status=SENT":        false,
		"channel=VIBER&message_id=2892296&status=SENT":      false,
	} {
		other := *n
		other.Body = []byte(body)
		if (identityOf(t, &other).Key == got.Key) != same {
			t.Errorf("%s is the same: %t", body, !same)
		}
	}
}

func TestPayloadInAFormIsTheNotification(t *testing.T) {
	t.Parallel()
	n := came("github", "payload=%7B%22action%22%3A%22opened%22%2C%22repository%22%3A%7B%22full_name%22%3A%22a%2Fb%22%7D%7D", "X-GitHub-Event", "issues")
	n.ContentType = "application/x-www-form-urlencoded"
	if got := identityOf(t, n); got.Type != "issues.opened" || got.OrderKey != "a/b" {
		t.Errorf("got %+v", got)
	}
}

func TestSendersIdTellsNotificationsApart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		one, other *notification.Notification
		same       bool
	}{
		"GitHub's delivery again":    {came("github", `{"a":1}`, "X-GitHub-Event", "push", "X-GitHub-Delivery", "d"), came("github", `{"a":2}`, "X-GitHub-Event", "push", "X-GitHub-Delivery", "d"), true},
		"GitHub's other delivery":    {came("github", `{"a":1}`, "X-GitHub-Event", "push", "X-GitHub-Delivery", "d"), came("github", `{"a":1}`, "X-GitHub-Event", "push", "X-GitHub-Delivery", "e"), false},
		"Slack's event again":        {came("slack", `{"event_id":"E","event":{"type":"m"}}`), came("slack", `{"event_id":"E","event":{"type":"m"},"x":1}`), true},
		"Slack's other event":        {came("slack", `{"event_id":"E","event":{"type":"m"}}`), came("slack", `{"event_id":"F","event":{"type":"m"}}`), false},
		"Stripe's event again":       {came("stripe", `{"id":"1","type":"a"}`), came("stripe", `{"type":"a","id":"1","pending_webhooks":2}`), true},
		"Shopify's event again":      {came("shopify", `{}`, "X-Shopify-Topic", "a", "X-Shopify-Event-Id", "1", "X-Shopify-Webhook-Id", "1"), came("shopify", `{}`, "X-Shopify-Topic", "a", "X-Shopify-Event-Id", "1", "X-Shopify-Webhook-Id", "2"), true},
		"Shopify's event in two":     {came("shopify", `{}`, "X-Shopify-Topic", "a", "X-Shopify-Event-Id", "1"), came("shopify", `{}`, "X-Shopify-Topic", "b", "X-Shopify-Event-Id", "1"), false},
		"Standard Webhooks again":    {came("standard-webhooks", `{"type":"a"}`, "webhook-id", "1"), came("standard-webhooks", `{"type":"a","n":1}`, "webhook-id", "1"), true},
		"TimePad's hook again":       {came("timepad", `{"hook_guid":"g","n":1}`), came("timepad", `{"hook_guid":"g","n":2}`), true},
		"Dropbox's body":             {came("dropbox", `{"a":1,"b":2}`), came("dropbox", `{"b":2,"a":1}`), true},
		"no delivery, the same body": {came("github", `{"a":1}`, "X-GitHub-Event", "push"), came("github", `{"a":1}`, "X-GitHub-Event", "push"), true},
		"no delivery, another body":  {came("github", `{"a":1}`, "X-GitHub-Event", "push"), came("github", `{"a":2}`, "X-GitHub-Event", "push"), false},
		"two sources of one provider": {came("stripe", `{"id":"1","type":"a"}`), func() *notification.Notification {
			n := came("stripe", `{"id":"1","type":"a"}`)
			n.Source = "other"
			return n
		}(), false},
	} {
		if same := identityOf(t, test.one).Key == identityOf(t, test.other).Key; same != test.same {
			t.Errorf("%s: the same: %t", name, same)
		}
	}
}

func TestMissingTypeIsNamed(t *testing.T) {
	t.Parallel()
	generic := came("generic", `{"event":5}`)
	generic.Mapping = source.Mapping{Type: "$.event"}.Encode()
	for name, test := range map[string]struct {
		n             *notification.Notification
		pointer, says string
	}{
		"GitHub without its header":    {came("github", `{}`), "", "X-GitHub-Event"},
		"Stripe without its field":     {came("stripe", `{}`), "/type", "is missing"},
		"Stripe with a number":         {came("stripe", `{"type":5}`), "/type", "must be a string"},
		"a configured place, a number": {generic, "/event", ""},
	} {
		what, fault := source.Interpret(source.Providers(), test.n)
		if name == "a configured place, a number" {
			if fault != nil || what.Identity.Type != "5" {
				t.Errorf("%s: %+v, fault %v", name, what.Identity, fault)
			}
			continue
		}
		if fault == nil || fault.Pointer != test.pointer || !strings.Contains(fault.Message, test.says) {
			t.Errorf("%s: fault %+v", name, fault)
		}
	}
}
