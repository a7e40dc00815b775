package erasure_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/stream/erasure"
	"sluice.internal/shared/streamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	anna, boris = "79001111111@c.us", "79002222222@c.us"
	ours, other = "1101000001", "1101000002"
)

// interpret reads notifications as the intake does.
func interpret(n *notification.Notification) (notification.Identity, bool) {
	what, fault := source.Interpret(source.Providers(), n)
	return what.Identity, fault == nil
}

// house has streams in which something lies everywhere.
type house struct {
	*streamtest.Streams

	t     *testing.T
	ctx   context.Context
	count int
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return &house{streamtest.Start(t).Open(t, streamtest.Shards(2), streamtest.Lanes(4)), t, streamtest.Context(t), 0}
}

func (h *house) eraser() *erasure.Client {
	return erasure.New(h.Operator(), func(n *notification.Notification) (identities []notification.Identity) {
		parts, _ := source.Parts(source.Providers(), n)
		for _, part := range parts {
			if identity, ok := interpret(part); ok {
				identities = append(identities, identity)
			}
		}
		return identities
	})
}

// notify stores a notification.
func (h *house) notify(body string) *notification.Notification {
	h.t.Helper()
	h.count++
	n := &notification.Notification{Origin: notification.Origin{
		Source: "green-api", Provider: "green-api", ContentType: "application/json", Body: []byte(body),
		ReceivedAt: time.Now().UTC(), RequestID: fmt.Sprintf("request-%d", h.count),
	}}
	if identity, ok := interpret(n); ok {
		n.Type, n.Instance = identity.Type, identity.Instance
	}
	sequence, err := h.PublishNotification(h.ctx, n)
	streamtest.Must(h.t, err)
	n.Sequence = sequence
	return n
}

// accept stores the event of a notification.
func (h *house) accept(n *notification.Notification) notification.Event {
	h.t.Helper()
	identity, ok := interpret(n)
	if !ok {
		h.t.Fatalf("can't be read: %s", n.Body)
	}
	event := streamtest.NewEvent(h.Streams, n, identity)
	stored, err := h.PublishEvents(h.ctx, []notification.Event{event})
	streamtest.Must(h.t, err)
	event.Sequence = stored[0].Sequence
	return event
}

func (h *house) send(body string) notification.Event {
	h.t.Helper()
	return h.accept(h.notify(body))
}

func call(instance, from, id string) string {
	return fmt.Sprintf(`{"typeWebhook":"incomingCall","instanceData":{"idInstance":%s,"wid":"79009999999@c.us","typeInstance":"whatsapp"},`+
		`"timestamp":1749207600,"from":%q,"idMessage":%q,"status":"offer"}`, instance, from, id)
}

// said is a message that somebody wrote into a group.
func said(chat, sender, id string) string {
	return fmt.Sprintf(`{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":%s,"wid":"79009999999@c.us","typeInstance":"whatsapp"},`+
		`"timestamp":1749207600,"idMessage":%q,"senderData":{"chatId":%q,"sender":%q},"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"hi"}}}`,
		ours, id, chat, sender)
}

// fill puts something of both persons everywhere.
func (h *house) fill() {
	h.t.Helper()
	for _, person := range []string{anna, boris} {
		event := h.send(call(ours, person, "call-"+person))
		h.notify(call(ours, person, "call-"+person)) // Sent again.
		h.send(said("79003333333-1480000000@g.us", person, "said-"+person))
		streamtest.Must(h.t, h.Park(h.ctx, "default", &event, time.Now().Add(time.Hour)))
		streamtest.Must(h.t, h.PublishDeadLetter(h.ctx, &notification.DeadLetter{
			Event: event, Reason: notification.ReasonExhausted, Error: "no customer " + person, Group: "default", DiedAt: time.Now(),
		}))
		invalid := h.notify(`{"typeWebhook":"incomingCall","from":"` + person + `"`)
		streamtest.Must(h.t, h.PublishDeadLetter(h.ctx, &notification.DeadLetter{
			Event:  notification.Event{Origin: invalid.Origin, NotificationSequence: invalid.Sequence},
			Reason: notification.ReasonInvalid, Error: "is no JSON", DiedAt: time.Now(),
		}))
		streamtest.Must(h.t, h.PublishRejection(h.ctx, &notification.Rejection{
			Cause: "wrong-token", Source: "green-api", ReceivedAt: time.Now(), RequestID: "r-" + person, Body: []byte(call(ours, person, "x")),
		}))
		_, err := h.PublishAlert(h.ctx, &notification.Alert{
			Severity: notification.SeverityCritical, Title: "handler gave up on " + person, Detail: "no customer " + person, Source: "green-api",
		})
		streamtest.Must(h.t, err)
		object := event
		object.Object = "order of " + person
		streamtest.Must(h.t, h.SetLatestSentAt(h.ctx, &object))
		streamtest.Must(h.t, h.RecordOperation(h.ctx, notification.Operation{
			What: notification.OperationDropDeadLetter, At: time.Now().UTC(), By: "me", Detail: "no customer " + person, EventSequence: event.Sequence, Group: "default",
		}))
	}
}

var all = []string{
	stream.Notifications, stream.Events, stream.Retries, stream.DeadLetters, stream.Rejections, stream.Objects, stream.Alerts, stream.Operations,
}

// named counts the messages of each stream that have the text in them.
func (h *house) named(text string) map[string]int {
	h.t.Helper()
	counts := map[string]int{}
	for _, name := range all {
		opened, err := h.JetStream().Stream(h.ctx, name)
		streamtest.Must(h.t, err)
		state := opened.CachedInfo().State
		for sequence := state.FirstSeq; sequence <= state.LastSeq; sequence++ {
			message, err := opened.GetMsg(h.ctx, sequence)
			if err != nil {
				continue // It is gone.
			}
			if strings.Contains(fmt.Sprint(message.Header), text) || bytes.Contains(message.Data, []byte(text)) {
				counts[name]++
			}
		}
	}
	return counts
}

func found(f *erasure.Found) string {
	var parts []string
	for i := range f.Streams {
		parts = append(parts, fmt.Sprintf("%s %s", f.Streams[i].Stream, f.Streams[i].Sequences))
	}
	return strings.Join(parts, "; ")
}

func TestPersonIsErasedFromEveryStreamAndNobodyElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.fill()
	before := h.named(boris)
	for _, name := range all {
		if h.named(anna)[name] == 0 {
			t.Errorf("nothing of hers is in %s, so the test shows nothing of it", name)
		}
	}
	look, err := h.eraser().Look(h.ctx, erasure.Target{Chats: []string{anna}}, nil)
	streamtest.Must(t, err)
	const want = "NOTIFICATIONS 1-4; EVENTS 1-2; RETRIES 1; DEAD_LETTERS 1-2; REJECTIONS 1; OBJECTS 1; ALERTS 1; OPERATIONS 1"
	if found(look) != want {
		t.Errorf("found %s\nwant  %s", found(look), want)
	}
	if got := h.named(anna); got[stream.Events] != 2 {
		t.Error("a look removed something")
	}
	erased, err := h.eraser().Erase(h.ctx, look, "me@here", nil)
	streamtest.Must(t, err)
	if erased.Messages() != look.Messages() {
		t.Errorf("erased %v, %d were found", erased, look.Messages())
	}
	if left := h.named(anna); len(left) > 0 {
		t.Errorf("left of her: %v", left)
	}
	if after := h.named(boris); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("of him was %v, is %v", before, after)
	}
}

func TestErasureIsRecordedWithPlacesAndWithoutIds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.fill()
	look, err := h.eraser().Look(h.ctx, erasure.Target{Chats: []string{anna}}, nil)
	streamtest.Must(t, err)
	_, err = h.eraser().Erase(h.ctx, look, "me@here", nil)
	streamtest.Must(t, err)
	recorded, kept := map[string]string{}, 0
	for _, operation := range streamtest.Collect(t, h.Operations(h.ctx, admin.Query{})) {
		switch operation.What {
		case notification.OperationErase:
			for name, sequences := range operation.Sequences {
				recorded[name] = sequences.String()
			}
			if operation.By != "me@here" || operation.At.IsZero() || len(operation.Digests) != 1 || !erasure.Matches(operation.Digests[0], anna) {
				t.Errorf("record %+v", operation)
			}
		case notification.OperationDropDeadLetter:
			if kept++; operation.EventSequence == 0 || operation.Group != "default" {
				t.Errorf("record of something else %+v", operation)
			}
		}
	}
	if recorded[stream.Notifications] != "1-4" || recorded[stream.Events] != "1-2" || len(recorded) != len(all) || kept != 2 {
		t.Errorf("recorded %v, and %d others", recorded, kept)
	}
}

func TestInstanceIsErasedWithWhatNamesItInRefusedRequests(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	mine := h.send(call(other, boris, "1"))
	h.send(call(ours, boris, "2"))
	streamtest.Must(t, h.PublishRejection(h.ctx, &notification.Rejection{Cause: "wrong-token", Source: "green-api", ReceivedAt: time.Now(), Body: []byte(call(other, anna, "3"))}))
	_, err := h.PublishAlert(h.ctx, &notification.Alert{Severity: notification.SeverityWarning, Title: "account is in trouble", Instance: other})
	streamtest.Must(t, err)
	look, err := h.eraser().Look(h.ctx, erasure.Target{Instances: []string{other}}, nil)
	streamtest.Must(t, err)
	if got := found(look); got != fmt.Sprintf("NOTIFICATIONS 1; EVENTS %d; REJECTIONS 1; ALERTS 1", mine.Sequence) {
		t.Errorf("found %s", got)
	}
	_, err = h.eraser().Erase(h.ctx, look, "me", nil)
	streamtest.Must(t, err)
	if left := h.named(other); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestSingleEventIsErasedByItsKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.send(call(ours, anna, "1"))
	event := h.send(call(ours, anna, "2"))
	h.notify(call(ours, anna, "2"))
	look, err := h.eraser().Look(h.ctx, erasure.Target{Keys: []string{event.Key}}, nil)
	streamtest.Must(t, err)
	if got := found(look); got != "NOTIFICATIONS 2-3; EVENTS 2" {
		t.Errorf("found %s", got)
	}
	if look, err = h.eraser().Look(h.ctx, erasure.Target{Keys: []string{event.Key}, Source: "shop"}, nil); err != nil || look.Messages() != 0 {
		t.Errorf("of another source found %s, error %v", found(look), err)
	}
}

// What was killed while it removed finds the rest, and a notification of a stream that is gone is not taken for another.
func TestErasureCanBeDoneAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.fill()
	look, err := h.eraser().Look(h.ctx, erasure.Target{Chats: []string{anna}}, nil)
	streamtest.Must(t, err)
	killed, kill := context.WithCancel(h.ctx)
	_, err = h.eraser().Erase(killed, look, "me", func(name string, done, _ uint64) {
		if name == stream.Events && done == 1 {
			kill()
		}
	})
	if err == nil {
		t.Fatal("it was not killed")
	}
	if look, err = h.eraser().Look(h.ctx, erasure.Target{Chats: []string{anna}}, nil); err != nil || look.Messages() == 0 {
		t.Fatalf("found %s, error %v", found(look), err)
	}
	_, err = h.eraser().Erase(h.ctx, look, "me", nil)
	streamtest.Must(t, err)
	if left := h.named(anna); len(left) > 0 {
		t.Errorf("left of her: %v", left)
	}
}

func TestWhatIsStoredMeanwhileIsErasedToo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.fill()
	look, err := h.eraser().Look(h.ctx, erasure.Target{Chats: []string{anna}}, nil)
	streamtest.Must(t, err)
	h.send(call(ours, anna, "late"))
	erased, err := h.eraser().Erase(h.ctx, look, "me", nil)
	streamtest.Must(t, err)
	if left := h.named(anna); len(left) > 0 || erased.Messages() != look.Messages()+2 {
		t.Errorf("left of her %v, erased %v", left, erased)
	}
}

// The intake passes over what is erased before it had it.
func TestIntakeGoesOnPastWhatIsErased(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 20 {
		h.notify(call(ours, []string{anna, boris}[i%2], fmt.Sprint(i)))
	}
	h.erase(anna)
	taken := streamtest.TakeIn(h.ctx, t, h.Streams, 10)
	for _, n := range taken {
		if !bytes.Contains(n.Body, []byte(boris)) {
			t.Errorf("took in %s", n.Body)
		}
	}
	h.notify(call(ours, boris, "later"))
	streamtest.TakeIn(h.ctx, t, h.Streams, 1)
}

func (h *house) erase(person string) {
	h.t.Helper()
	look, err := h.eraser().Look(h.ctx, erasure.Target{Chats: []string{person}}, nil)
	streamtest.Must(h.t, err)
	_, err = h.eraser().Erase(h.ctx, look, "me", nil)
	streamtest.Must(h.t, err)
}

// A group passes over events that are erased before it had them, also while it has one of them in its hands; and of what is
// parked nothing stays.
func TestGroupGoesOnPastWhatIsErased(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var parked notification.Event
	for i := range 20 {
		event := h.send(call(ours, []string{anna, boris}[i%2], fmt.Sprint(i)))
		if i == 0 {
			parked = event
		}
	}
	group, err := h.Group(h.ctx, consume.GroupSettings{Name: "default"})
	streamtest.Must(t, err)
	streamtest.Must(t, h.Park(h.ctx, "default", &parked, time.Now().Add(time.Hour)))
	inHand, gone, his := make(chan struct{}, 100), make(chan struct{}), make(chan uint64, 100)
	for _, p := range group.Partitions {
		stop := streamtest.Serve(p, func(d *consume.Delivery) {
			if bytes.Contains(d.Body, []byte(anna)) {
				inHand <- struct{}{}
				<-gone
			} else {
				his <- d.Sequence
			}
			_ = d.Done() // That of an erased one may fail.
		})
		defer stop()
	}
	<-inHand
	h.erase(anna)
	close(gone)
	for range 10 {
		select {
		case <-his:
		case <-h.ctx.Done():
			t.Fatal("events behind the erased ones do not come")
		}
	}
	later := h.send(call(ours, boris, "later"))
	for sequence := range his {
		if sequence == later.Sequence {
			break
		}
	}
	if left := h.named(anna); len(left) > 0 || len(inHand) > 0 {
		t.Errorf("left of her %v, %d came after they were erased", left, len(inHand))
	}
}
