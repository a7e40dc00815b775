package cli_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/streamtest"
)

func TestRejectionsAreListedWithTheirCause(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	for id, rejection := range []notification.Rejection{
		{
			Cause: "wrong-token", Detail: "the token is none of the source's", Source: "green-api",
			Method: "POST", Path: "/green-api/webhook", RemoteAddress: "192.0.2.1", RequestID: "A", ContentType: "application/json",
			Header: map[string][]string{"User-Agent": {"x"}, "Accept": {"*/*", "a/b"}}, Body: []byte(`{"a": 1}`),
		},
		{Cause: "body-too-large", Method: "POST", Path: "/x", Body: []byte(`{"a`), Truncated: true},
	} {
		rejection.ReceivedAt = receivedAt.Add(time.Duration(id) * time.Second)
		if err := streams.PublishRejection(testContext(t), &rejection); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "rejections", "--nats", server.URL()).want(t, result{stdout: fmt.Sprintf(""+
		"RECEIVED             SEQUENCE  CAUSE           SOURCE     FROM       METHOD  PATH                DETAIL\n"+
		"%s         1  wrong-token     green-api  192.0.2.1  POST    /green-api/webhook  the token is none of the source's\n"+
		"%s         2  body-too-large  -          -          POST    /x                  -\n",
		shown(receivedAt), shown(receivedAt.Add(time.Second)))})
	const wrong = `{"sequence":1,"cause":"wrong-token","detail":"the token is none of the source's","source":"green-api",` +
		`"method":"POST","path":"/green-api/webhook","remote_address":"192.0.2.1","request_id":"A",` +
		`"received_at":"2026-11-23T07:00:00.123456789Z","headers":{"Accept":["*/*","a/b"],"User-Agent":["x"]},` +
		`"content_type":"application/json","body":{"a":1}}` + "\n"
	const large = `{"sequence":2,"cause":"body-too-large","method":"POST","path":"/x",` +
		`"received_at":"2026-11-23T07:00:01.123456789Z","truncated":true,"body_base64":"eyJh"}` + "\n"
	for flags, want := range map[string]result{
		"":                     {stdout: wrong + large},
		"--cause=wrong-token":  {stdout: wrong},
		"--source=green-api":   {stdout: wrong},
		"--limit=1 --since=1h": {stdout: large},
		"--cause=unauthorized": {stderr: "No rejections.\n"},
	} {
		run(t, append([]string{"rejections", "--json", "--nats", server.URL()}, strings.Fields(flags)...)...).want(t, want)
	}
}
