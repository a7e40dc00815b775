package greenapi_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/greenapi"
	"sluice.internal/shared/greenapi/mock"
)

const (
	token = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
	limit = 1 << 20
)

// start serves a mock with one instance, and returns a client of it.
func start(t *testing.T, options mock.Options) (*greenapi.Client, *mock.Instance) {
	t.Helper()
	if options.MaxWait == 0 {
		options.MaxWait = time.Millisecond
	}
	api := mock.New(options)
	instance := api.Add("1101000001", token)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return client(t, server.URL, token), instance
}

func client(t *testing.T, url, token string) *greenapi.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	made, err := greenapi.New(greenapi.Account{Instance: "1101000001", URL: url, Token: token}, transport)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func receive(t *testing.T, c *greenapi.Client) *greenapi.Received {
	t.Helper()
	received, err := c.Receive(t.Context(), 5*time.Second, limit)
	if err != nil {
		t.Fatal(err)
	}
	return received
}

// What is handed out is the notification to the byte, and it is the head until it is deleted.
func TestNotificationIsHandedOutToTheByteUntilItIsDeleted(t *testing.T) {
	t.Parallel()
	for _, perDelivery := range []bool{false, true} {
		c, instance := start(t, mock.Options{ReceiptPerDelivery: perDelivery})
		first := "{ \"typeWebhook\" : \"incomingCall\",\r\n\"x\":\"<&>\\u0041\xff\", \"n\": 115297976845823798123 }"
		instance.Push([]byte(first))
		instance.Push([]byte(`{"second":true}`))
		for range 2 {
			if got := receive(t, c); string(got.Body) != first || got.Broken {
				t.Fatalf("got %+v", got)
			}
		}
		if deleted, err := c.Delete(t.Context(), "1"); deleted || err != nil {
			t.Errorf("another receipt: deleted %t, error %v", deleted, err)
		}
		if deleted, err := c.Delete(t.Context(), receive(t, c).Receipt); !deleted || err != nil {
			t.Errorf("deleted %t, error %v", deleted, err)
		}
		if got := receive(t, c); string(got.Body) != `{"second":true}` {
			t.Errorf("then got %+v", got)
		}
	}
}

func TestEmptyQueueIsNothingHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	for _, empty := range []string{"null", "none", "newline"} {
		c, _ := start(t, mock.Options{Empty: empty})
		if got := receive(t, c); got != nil {
			t.Errorf("%s: got %+v", empty, got)
		}
	}
	c, instance := start(t, mock.Options{})
	instance.Push([]byte(`{}`))
	for _, fault := range []string{mock.FaultEmpty, mock.FaultObject} {
		instance.Faults(mock.Fault{Name: fault})
		if got := receive(t, c); got != nil {
			t.Errorf("%s: got %+v", fault, got)
		}
	}
}

func TestEveryFailureHasItsReasonAndNoToken(t *testing.T) {
	t.Parallel()
	c, instance := start(t, mock.Options{})
	instance.Push([]byte(`{"token":"` + token + `"}`))
	for fault, want := range map[string]greenapi.Reason{
		"401": greenapi.Unauthorized, "403": greenapi.NoInstance, "404": greenapi.NoInstance,
		"429": greenapi.TooManyRequests, "466": greenapi.QuotaExceeded, "499": greenapi.Unavailable,
		"500": greenapi.Unavailable, "302": greenapi.Unavailable,
		mock.FaultWebhookSet: greenapi.WebhookSet, mock.FaultStarting: greenapi.Starting,
		mock.FaultHTML: greenapi.Unavailable, mock.FaultHTML200: greenapi.Unreadable,
		mock.FaultCut: greenapi.Unavailable, mock.FaultTruncated: greenapi.Unavailable, mock.FaultNoReceipt: greenapi.Unreadable,
	} {
		instance.Faults(mock.Fault{Method: "receiveNotification", Name: fault, RetryAfter: 7})
		received, err := c.Receive(t.Context(), 5*time.Second, limit)
		var failure *greenapi.Error
		if !errors.As(err, &failure) || failure.Reason != want || received != nil {
			t.Errorf("%s: got %+v, error %+v, want %s", fault, received, err, want)
			continue
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, *failure), token) {
			t.Errorf("%s: the token is in %v", fault, err)
		}
		if fault == "429" && failure.RetryAfter != 7*time.Second {
			t.Errorf("it asks to wait for %s", failure.RetryAfter)
		}
	}
}

func TestErrorsOfTheNetworkHaveNoTokenInThem(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + listener.Addr().String()
	_ = listener.Close() // So that nobody listens.
	_, err = client(t, nobody, token).Receive(t.Context(), 5*time.Second, limit)
	if greenapi.ReasonOf(err) != greenapi.Unavailable || strings.Contains(err.Error(), token) {
		t.Errorf("nobody listens: %v", err)
	}
	c, instance := start(t, mock.Options{})
	instance.Faults(mock.Fault{Name: mock.FaultHang})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Receive(ctx, 5*time.Second, limit); greenapi.ReasonOf(err) != greenapi.Cancelled || strings.Contains(err.Error(), token) {
		t.Errorf("cancelled: %v", err)
	}
	// A token that has to be escaped, and an address that can't be: net/http names both in its errors.
	odd := "to ken/%zz"
	_, err = client(t, nobody, odd).State(t.Context())
	if err == nil || strings.Contains(err.Error(), "ken") {
		t.Errorf("an odd token: %v", err)
	}
}

// Rare notifications are no JSON. What can be cut out of the answer goes on as it is, so that the queue does.
func TestAnswerThatIsNotJSONStillHasAReceipt(t *testing.T) {
	t.Parallel()
	c, instance := start(t, mock.Options{})
	instance.Push([]byte(`{"a":1}`))
	instance.Faults(mock.Fault{Name: mock.FaultNoJSON})
	got := receive(t, c)
	if !got.Broken || got.Receipt != "1234567" || !strings.HasPrefix(string(got.Body), `{"typeWebhook"`) || !strings.HasSuffix(string(got.Body), `{"a":1}}`) {
		t.Errorf("got %+v with body %q", got, got.Body)
	}
}

func TestAnswerThatIsTooLargeIsNotRead(t *testing.T) {
	t.Parallel()
	c, instance := start(t, mock.Options{})
	instance.Push([]byte(`"` + strings.Repeat("x", 2000) + `"`))
	if _, err := c.Receive(t.Context(), 5*time.Second, 1000); greenapi.ReasonOf(err) != greenapi.Unreadable {
		t.Errorf("error %v", err)
	}
}

func TestSettingsStateAndCount(t *testing.T) {
	t.Parallel()
	c, instance := start(t, mock.Options{})
	instance.Push([]byte(`{}`))
	instance.Set(map[string]string{"incomingWebhook": "no"})
	settings, err := c.Settings(t.Context())
	if err != nil || settings.Text("wid") != "1101000001@c.us" || settings.Text("incomingWebhook") != "no" || !settings.AnyKindOn() {
		t.Errorf("settings %s, error %v", settings, err)
	}
	kinds := strings.Join(settings.Kinds(), " ")
	if !strings.Contains(kinds, "editedMessageWebhook") || strings.Contains(kinds, "deviceWebhook") {
		t.Errorf("kinds %s", kinds)
	}
	if err := c.SetSettings(t.Context(), map[string]string{"webhookUrl": "https://a/"}); err != nil || instance.Settings()["webhookUrl"] != "https://a/" {
		t.Errorf("error %v, settings %v", err, instance.Settings())
	}
	if state, err := c.State(t.Context()); state != "authorized" || err != nil {
		t.Errorf("state %q, error %v", state, err)
	}
	if count, err := c.Count(t.Context()); count != 1 || err != nil {
		t.Errorf("count %d, error %v", count, err)
	}
}

func TestAddressMustKeepTheToken(t *testing.T) {
	t.Parallel()
	for address, fine := range map[string]bool{
		"https://1101.api.green-api.com": true, "https://3100.api.green-api.com/v3/": true, "http://127.0.0.1:80": true, "http://localhost": true,
		"http://1101.api.green-api.com": false, "ftp://127.0.0.1": false, "1101.api.green-api.com": false, "https://": false,
		"https://u:p@a": false, "https://a?b=c": false, "https://%zz": false,
	} {
		if err := greenapi.CheckURL(address); (err == nil) != fine {
			t.Errorf("%s: %v", address, err)
		}
	}
}
