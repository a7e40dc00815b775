package intake

import (
	"context"
	"slices"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// A group that nobody serves is waited for no longer than it is worth, and only for events that are in another lane now.
func TestGroupThatNobodyServesIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t, streamtest.Lanes(8))
	ctx := streamtest.Context(t)
	accept := func(chat string) {
		accept(ctx, t, streams, true, `{"typeWebhook":"outgoingMessageStatus","chatId":"`+chat+`","instanceData":{"idInstance":1},"idMessage":"M","status":"sent"}`)
	}
	order := func() *formerOrder { return &formerOrder{streams: streams.Worker(), providers: source.Providers()} }
	accept("71234567890@s.whatsapp.net")
	accept("71234567891@s.whatsapp.net")
	if ok, waiting, err := order().holds(ctx); !ok || err != nil {
		t.Errorf("without any group it waits for %v, error %v", waiting, err)
	}
	if _, err := streams.Worker().Group(ctx, consume.GroupSettings{Name: "idle"}); err != nil {
		t.Fatal(err)
	}
	f := order()
	ok, waiting, err := f.holds(ctx)
	if ok || err != nil || !slices.Equal(waiting, []string{"idle"}) || f.isTooLong() {
		t.Errorf("with an idle group: %t, waiting for %v, too long: %t, error %v", ok, waiting, f.isTooLong(), err)
	}
	f.progress = f.progress.Add(-2 * formerStill)
	if _, _, err := f.holds(ctx); err != nil || !f.isTooLong() {
		t.Errorf("a group that does not get on is waited for: %t, error %v", !f.isTooLong(), err)
	}
	f.progress, f.begun = time.Now(), f.begun.Add(-2*formerWait)
	if !f.isTooLong() {
		t.Error("a group that gets on slowly is waited for without an end")
	}
}

func TestChatsThatStayInTheirLaneAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	streams := streamtest.Start(t).Open(t, streamtest.Lanes(8))
	ctx := streamtest.Context(t)
	if _, err := streams.Worker().Group(ctx, consume.GroupSettings{Name: "idle"}); err != nil {
		t.Fatal(err)
	}
	accept(ctx, t, streams, false, `{"typeWebhook":"incomingCall","from":"71234567890@c.us","instanceData":{"idInstance":1},"idMessage":"M","status":"offer"}`)
	if ok, waiting, err := (&formerOrder{streams: streams.Worker(), providers: source.Providers()}).holds(ctx); !ok || err != nil {
		t.Errorf("it waits for %v, error %v", waiting, err)
	}
}

// accept makes an event of a body, by the keys of before or by the present ones.
func accept(ctx context.Context, t *testing.T, streams *streamtest.Streams, former bool, body string) {
	t.Helper()
	n := notification.Notification{Origin: notification.Origin{Source: "green-api", Provider: "green-api", Body: []byte(body)}, Former: former}
	read, fault := source.Interpret(source.Providers(), &n)
	if fault != nil {
		t.Fatal(fault)
	}
	event, err := streams.NewEvent(&n, read.Identity)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := streams.PublishEvents(ctx, []notification.Event{event}); err != nil {
		t.Fatal(err)
	}
}
