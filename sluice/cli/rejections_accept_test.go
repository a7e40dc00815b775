package cli_test

import (
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/local"
)

// refused keeps three rejections of GREEN-API with the token and one that stands for others.
func refused(t *testing.T, streams *streamtest.Streams, token string) {
	t.Helper()
	for i, rejection := range []notification.Rejection{
		{Cause: proof.CauseWrongToken, Detail: "the token in the Authorization header is none of the source's"},
		{Cause: proof.CauseWrongToken, Detail: "the same", Truncated: true},
		{Cause: "unauthorized", Skipped: 7, Detail: "7 more"},
		{Cause: proof.CauseWrongToken},
	} {
		if rejection.Source = "green-api"; rejection.Skipped == 0 {
			rejection.Method, rejection.Path = "POST", "/green-api/webhook"
			rejection.RemoteAddress, rejection.RequestID, rejection.ContentType = "192.0.2.1", "r", "application/json"
			rejection.Header = map[string][]string{"Authorization": {"Bearer [redacted, 9 characters]"}}
			rejection.TokenDigests = map[string]string{"Authorization": proof.HashToken(token)}
			rejection.Body = []byte(aCall(7, string("ABCD"[i])))
		}
		rejection.ReceivedAt = receivedAt.Add(time.Duration(i) * time.Second)
		if err := streams.PublishRejection(testContext(t), &rejection); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRejectionIsAcceptedOnceTheTokenIsConfigured(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	refused(t, streams, "the-token")
	wrong := writeFile(t, "wrong.yaml", "sources: {green-api: {token: another-token}}\n")
	right := writeFile(t, "right.yaml", "sources: {green-api: {token: the-token}}\n")
	accept := []string{"rejections", "accept", "--nats", server.URL(), "--config"}

	run(t, append(accept, wrong, "1")...).fails(t, 1,
		"rejection 1: still refused: wrong-token: the token in the Authorization header is none of the source's", "1 of 1 rejection not accepted")
	run(t, append(accept, right, "1", "--dry-run")...).want(t, result{stdout: "would be accepted: 1 rejection: 1 incomingCall\n"})
	run(t, append(accept, right, "2", "3", "9")...).fails(t, 1,
		"rejection 2: only the beginning of its body was kept", "rejection 3: it stands for requests that were not kept",
		"there is no rejection 9; `sluice rejections` lists those there are", "3 of 3 rejections not accepted")
	run(t, append(accept, right, "1")...).want(t, result{stdout: "accepted: 1 rejection: 1 incomingCall\n", stderr: noWorker})
	got := run(t, append(accept, right, "--all", "--cause=wrong-token")...)
	got.fails(t, 1, "rejection 2: only the beginning", "1 of 2 rejections not accepted")
	if got.stdout != "accepted: 1 rejection: 1 incomingCall\n" {
		t.Errorf("standard output %q", got.stdout)
	}
	stored := all(t, streams.Notifications(testContext(t), admin.Query{}))
	if len(stored) != 2 || string(stored[0].Body) != aCall(7, "A") || stored[0].RequestID != "r" || stored[0].Instance != "1101000001" ||
		!stored[0].ReceivedAt.Equal(receivedAt) || stored[0].RemoteAddress != "192.0.2.1" || stored[0].ContentType != "application/json" {
		t.Errorf("stored %+v", stored)
	}
	if left := all(t, streams.Rejections(testContext(t), admin.Query{})); len(left) != 2 {
		t.Errorf("rejections left: %+v", left)
	}
	for i, operation := range operationsIn(t, streams) {
		if operation.What != notification.OperationAcceptRejection || operation.Detail != "the present configuration accepts it" ||
			operation.NotificationSequence != uint64(i+1) || !strings.Contains(operation.By, "@") {
			t.Errorf("operation %+v", operation)
		}
	}
}

// noWorker is said where nobody takes in what was accepted.
const noWorker = "1 notification not taken in yet, since no worker does; `sluice dead` shows later what was refused\n"

func TestRejectionThatTheIntakeRefusesIsToldSo(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	for _, body := range []string{aCall(7, "A"), `{"typeWebhook":7}`} {
		if err := streams.PublishRejection(testContext(t), &notification.Rejection{
			Cause: proof.CauseWrongToken, Source: "green-api", Method: "POST", Path: "/green-api/webhook", ReceivedAt: receivedAt,
			RequestID: "r", TokenDigests: map[string]string{"Authorization": proof.HashToken("the-token")}, Body: []byte(body),
		}); err != nil {
			t.Fatal(err)
		}
	}
	working(t, server, func(notification.Event) error { return nil })
	right := writeFile(t, "right.yaml", "sources: {green-api: {token: the-token}}\n")
	got := run(t, "rejections", "accept", "--all", "--nats", server.URL(), "--config", right)
	got.fails(t, 1, "refused by the intake, now dead letter 1: /typeWebhook must be a string", "1 of 2 notifications refused by the intake")
	if !strings.HasPrefix(got.stdout, "accepted: 2 rejections: ") {
		t.Errorf("standard output %q", got.stdout)
	}
}

func TestRejectionIsAcceptedByForceAndThatIsLogged(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	refused(t, streams, "nobody-knows")
	configured := writeFile(t, "sluice.yaml", "sources: {green-api: {token: the-token}}\n")
	accept := []string{"rejections", "accept", "1", "--force", "--nats", server.URL(), "--config", configured}
	run(t, accept...).fails(t, 2, "--force lets in what nobody proved to have sent: add --yes")
	got := run(t, append(accept, "--yes")...)
	if got.code != 0 || got.stdout != "accepted: 1 rejection: 1 incomingCall\n" ||
		!strings.Contains(got.stderr, "rejection accepted without proof") || !strings.Contains(got.stderr, "cause=wrong-token") {
		t.Errorf("%+v", got)
	}
	if operations := operationsIn(t, streams); len(operations) != 1 || operations[0].Detail != "the operator vouched for it" {
		t.Errorf("operations %+v", operations)
	}
}

func TestRejectionIsAcceptedByTheTokenThatSluiceUpMade(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	refused(t, streams, "the-token")
	dir := dataFolder(t, local.Description{NATSURL: server.URL(), Sources: map[string]local.Source{
		"green-api": {Path: "/green-api/webhook", Provider: "green-api", TokenFile: "green-api.token"},
	}})
	writeToken(t, dir, "green-api.token", "the-token")
	run(t, "rejections", "accept", "4", "--data", dir).want(t, result{stdout: "accepted: 1 rejection: 1 incomingCall\n", stderr: noWorker})
	run(t, "rejections", "accept", "4", "--nats", server.URL()).fails(t, 1, `source "green-api" has no secret in the configuration`)
}

func TestWhatIsAcceptedMustBeSaid(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":                      "name rejections by their sequence, or all with --all",
		"--source=github":       "filters narrow down --all: add it",
		"1 --all":               "sequences go with neither --all nor a filter",
		"1 --cause=wrong-token": "sequences go with neither --all nor a filter",
	} {
		run(t, append([]string{"rejections", "accept"}, strings.Fields(args)...)...).fails(t, 2, want)
	}
}

func TestRejectionIsShownWithWhatIsProbablyWrong(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	refused(t, streams, "the-token")
	show := []string{"rejections", "show", "--nats", server.URL()}
	got := run(t, append(show, "1", "2", "3")...)
	if got.code != 0 {
		t.Fatal(got)
	}
	for _, line := range []string{
		"rejection 1: wrong-token\n", "  probably          the token in the Authorization header is none of the source's\n",
		"  request           POST /green-api/webhook\n", "  from              192.0.2.1\n", "headers\n  Authorization: Bearer [redacted, 9 characters]\n",
		"body, 167 bytes\n", `    "typeWebhook": "incomingCall",`, "body, of which only the beginning was kept, ", "rejection 3: unauthorized\n",
	} {
		if !strings.Contains(got.stdout, line) {
			t.Errorf("%q is not in\n%s", line, got.stdout)
		}
	}
	run(t, append(show, "9")...).fails(t, 1, "there is no rejection 9; `sluice rejections` lists those there are")
	got = run(t, append(show, "3", "--json")...)
	if !strings.Contains(got.stdout, `"skipped":7`) || got.code != 0 {
		t.Error(got)
	}
}
