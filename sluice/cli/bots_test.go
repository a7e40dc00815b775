package cli_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/position"
	"sluice.internal/shared/streamtest"
)

// A bot is listed, gives its head up, and is set back.
func TestBotIsListedSkipsAndIsSetBack(t *testing.T) { //nolint:gocyclo // One story, told step by step.
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	ctx, positions := testContext(t), position.NewClient(streams.Client)
	streamtest.Must(t, positions.Begin(ctx, "crm"))
	streamtest.PublishEvents(ctx, t, streams, 0, 3)
	asked := time.Now().UTC()
	streamtest.Must(t, positions.PublishState(ctx, position.BotState{
		Bot: "crm", Source: "green-api", Instance: "1101000001", AskedAt: asked, Head: 1, HandedOut: 25, HeadSince: asked.Add(-time.Hour),
	}))
	at := []string{"--nats", server.URL()}
	listed := run(t, append([]string{"bots"}, at...)...)
	if listed.code != 0 || !strings.Contains(strings.Join(strings.Fields(listed.stdout), " "), "crm 1101000001 3 ") {
		t.Errorf("listed %+v", listed)
	}
	status := run(t, append([]string{"status", "--interval=0"}, at...)...)
	if status.code != 1 || !strings.Contains(status.stderr, "does not get over event 1") || !strings.Contains(status.stdout, "BOT  INSTANCE") {
		t.Errorf("status %+v", status)
	}
	skip := append([]string{"bots", "skip", "crm", "1101000001"}, at...)
	if got := run(t, skip...); got.code != 1 || !strings.Contains(got.stderr, "--yes would give up event 1") {
		t.Errorf("skipped without --yes: %+v", got)
	}
	if got := run(t, append(skip, "--yes")...); got.code != 0 {
		t.Errorf("skipped: %+v", got)
	}
	moved, err := positions.Read(ctx, "crm", "1101000001")
	if err != nil || moved.Sequence != 1 || moved.PassedOver != 1 {
		t.Errorf("moved to %+v, error %v", moved, err)
	}
	if got := run(t, append([]string{"replay", "--group", "crm", "--since", "1h"}, at...)...); got.code != 0 || !strings.Contains(got.stdout, "in 1 instance, to behind event 0") {
		t.Errorf("set back: %+v", got)
	}
	if moved, err = positions.Read(ctx, "crm", "1101000001"); err != nil || moved.Sequence != 0 {
		t.Errorf("set back to %+v, error %v", moved, err)
	}
	if got := run(t, append([]string{"replay", "--group", "crm", "--type", "incomingCall"}, at...)...); got.code != 1 || !strings.Contains(got.stderr, "is a bot") {
		t.Errorf("with a type: %+v", got)
	}
	var done []string
	for operation, err := range streams.Operations(ctx, admin.Query{Group: "crm"}) {
		streamtest.Must(t, err)
		done = append(done, operation.What)
	}
	if fmt.Sprint(done) != fmt.Sprint([]string{notification.OperationSkip, notification.OperationReplay}) {
		t.Errorf("recorded %v", done)
	}
}

// A bot that was taken out of the configuration is forgotten, and nothing waits for it any more.
func TestBotIsRemoved(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	ctx, positions := testContext(t), position.NewClient(streams.Client)
	streamtest.PublishEvents(ctx, t, streams, 0, 3)
	for _, bot := range []string{"crm", "shop"} {
		streamtest.Must(t, positions.Begin(ctx, bot))
		streamtest.Must(t, positions.PublishState(ctx, position.BotState{
			Bot: bot, Source: "green-api", Instance: "1101000001", AskedAt: time.Now().Add(-time.Hour).UTC(),
		}))
	}
	streamtest.PublishEvents(ctx, t, streams, 3, 2)
	if got := run(t, "groups", "--nats", server.URL()); !strings.Contains(strings.Join(strings.Fields(got.stdout), " "), "BOT INSTANCE WAITING") {
		t.Errorf("groups: %+v", got)
	}
	if got := run(t, "groups", "rm", "crm", "--nats", server.URL()); got.code != 1 || !strings.Contains(got.stderr, `"crm" is a bot`) {
		t.Errorf("removed as a group: %+v", got)
	}
	remove := []string{"bots", "rm", "crm", "--nats", server.URL()}
	if got := run(t, remove...); got.code != 1 || !strings.Contains(got.stderr, "--yes would forget 1 position, where 2 events wait for it") {
		t.Errorf("without --yes: %+v", got)
	}
	if got := run(t, append(remove, "--yes")...); got.code != 0 || !strings.Contains(got.stdout, "bot crm removed") {
		t.Errorf("removed: %+v", got)
	}
	if got := run(t, append(remove, "--yes")...); got.code != 1 || !strings.Contains(got.stderr, `there is no bot "crm"`) {
		t.Errorf("removed again: %+v", got)
	}
	bots, err := streams.Bots(ctx)
	if err != nil || len(bots) != 1 || bots[0].Bot != "shop" {
		t.Errorf("left are %+v, error %v", bots, err)
	}
}

// Events that were too old for a bot are a problem for as long as dead letters are.
func TestStatusComplainsOfABotThatDidNotAskInTime(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	ctx, positions := testContext(t), position.NewClient(streams.Client)
	streamtest.Must(t, positions.PublishState(ctx, position.BotState{
		Bot: "crm", Source: "green-api", Instance: "1101000001", AskedAt: time.Now().UTC(),
	}))
	for name, test := range map[string]struct {
		late      time.Duration
		complains bool
	}{"lately": {time.Minute, true}, "long ago": {2 * time.Hour, false}} {
		at, err := positions.Read(ctx, "crm", "1101000001")
		streamtest.Must(t, err)
		moved := at
		moved.LateAt = time.Now().Add(-test.late)
		_, err = positions.Move(ctx, "crm", "1101000001", at, moved)
		streamtest.Must(t, err)
		got := run(t, "status", "--interval=0", "--nats", server.URL())
		if strings.Contains(got.stderr, `bot "crm" of instance 1101000001 did not ask in time`) != test.complains {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
