package up_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi/mock"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
)

const apiToken = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"

// polling is the configuration of a Sluice that polls instances of a mock.
func polling(t *testing.T, url string, instances ...string) *config.Config {
	t.Helper()
	cfg := load(t)
	from := cfg.Sources["green-api"]
	from.Instances = map[string]config.Instance{}
	for _, id := range instances {
		from.Instances[id] = config.Instance{
			ID: id, Receive: config.ReceiveHTTPAPI, APIURL: url, Token: config.NewSecret(apiToken), Wait: 5 * time.Second,
		}
	}
	cfg.Sources["green-api"] = from
	return cfg
}

func polledCall(instance string, number int) string {
	return fmt.Sprintf(`{"typeWebhook":"incomingCall","instanceData":{"idInstance":%s,"wid":"1@c.us","typeInstance":"whatsapp"},`+
		`"from":"7@c.us","idMessage":"%d","timestamp":1700000000,"status":"offer"}`, instance, number)
}

// What GREEN-API hands out becomes events as what it posts does: in order, once each, also when Sluice ends in between and
// when deletions get lost.
func TestPolledNotificationsBecomeEventsInOrderAndOnce(t *testing.T) {
	t.Parallel()
	const each = 40
	instances := []string{"1101000001", "1101000002"}
	api := mock.New(mock.Options{MaxWait: 50 * time.Millisecond})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	want := map[string][]string{}
	for _, id := range instances {
		instance := api.Add(id, apiToken)
		instance.Faults(mock.Fault{Method: "deleteNotification", Name: mock.FaultLoseDelete, Times: 1},
			mock.Fault{Method: "deleteNotification", Name: "500", Times: 1})
		for number := range each {
			instance.Push([]byte(polledCall(id, number)))
			want[id] = append(want[id], polledCall(id, number))
		}
	}
	dir := t.TempDir()
	first := startWith(t, dir, polling(t, server.URL, instances...))
	ctx := streamtest.Context(t)
	streamtest.Eventually(ctx, t, "some are deleted", func() bool { return api.Instance(instances[0]).Deleted() > 3 })
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	second := startWith(t, dir, polling(t, server.URL, instances...))
	streamtest.Eventually(ctx, t, "all are deleted", func() bool {
		return api.Instance(instances[0]).Waiting()+api.Instance(instances[1]).Waiting() == 0
	})
	streams, got := second.Attach(t), map[string][]string{}
	for event, err := range streams.Events(ctx, admin.Query{Follow: true}) {
		if err != nil {
			t.Fatal(err)
		}
		got[event.Instance] = append(got[event.Instance], string(event.Body))
		if event.Header["Sluice-Via"] != "http-api" {
			t.Errorf("event with %v", event.Header)
		}
		if len(got[instances[0]])+len(got[instances[1]]) == 2*each {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	streamtest.Eventually(ctx, t, "it is told", func() bool {
		states, err := streams.PollStates(ctx)
		return err == nil && len(states) == 2 && states[0].State == stream.PollReceiving
	})
	if err := second.Stop(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(first.Log.String()+second.Log.String(), apiToken) {
		t.Error("the token is in the log")
	}
}
