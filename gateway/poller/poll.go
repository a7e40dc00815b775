package poller

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"sluice.internal/shared/greenapi"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

const (
	// frame is how much larger than its body an answer may be: the receipt and the names around it.
	frame = 1 << 10
	// Pauses after the store took nothing, as the gateway names them to senders.
	fullPause    = time.Minute
	noStorePause = 5 * time.Second
)

// via is the field of a notification by which it can be told from one that was posted.
const (
	viaField = "Sluice-Via"
	viaValue = "http-api"
)

// poll asks for one notification after the other until the context ends.
func (i *instance) poll(ctx context.Context) {
	// What was handed out is stored and deleted also after the context has ended, for a while.
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(i.poller.settings.ShutdownTimeout, cancel)
		context.AfterFunc(working, func() { timer.Stop() })
	})
	defer stop()
	for ctx.Err() == nil {
		pause := i.round(ctx, working)
		i.note(func(s *stream.PollState) { s.Pause = pause })
		if pause > 0 {
			_ = i.poller.settings.Sleep(ctx, pause)
		}
	}
}

// round asks once and returns how long to wait before the next time.
func (i *instance) round(ctx, working context.Context) (pause time.Duration) {
	began := i.poller.settings.Now()
	received, err := i.client.Receive(ctx, i.account.Wait, i.limit+frame)
	switch {
	case greenapi.ReasonOf(err) == greenapi.Cancelled:
		return 0
	case err != nil:
		return i.trouble.failed(working, err)
	}
	i.note(func(s *stream.PollState) { s.AnsweredAt = i.poller.settings.Now().UTC() })
	if received == nil {
		i.trouble.over()
		return i.nothing(working, i.poller.settings.Now().Sub(began))
	}
	i.repeats.early = 0
	return i.take(working, received)
}

// take stores what was handed out and deletes it then. What can't be stored stays at GREEN-API.
func (i *instance) take(ctx context.Context, received *greenapi.Received) (pause time.Duration) {
	if int64(len(received.Body)) > i.limit {
		return i.trouble.failed(ctx, &greenapi.Error{
			Reason: greenapi.Unreadable, Method: "receiveNotification",
			Text: fmt.Sprintf("the notification has %d bytes, %d are taken", len(received.Body), i.limit),
		})
	}
	if !i.repeats.isStored(received) {
		if err := i.store(ctx, received); err != nil {
			return i.notStored(err)
		}
		i.repeats.stored(received)
	}
	deleted, err := i.client.Delete(ctx, received.Receipt)
	if err != nil {
		return i.trouble.failed(ctx, err)
	}
	if pause = i.deleted(received, deleted); pause == 0 {
		i.trouble.over()
	}
	return pause
}

// store stores what was handed out, as the gateway stores what was posted.
func (i *instance) store(ctx context.Context, received *greenapi.Received) error {
	now := i.poller.settings.Now().UTC()
	n := &notification.Notification{Origin: notification.Origin{
		Source: i.from.Name, Provider: i.from.Provider.Name, ReceivedAt: now, ContentType: "application/json",
		RemoteAddress: received.Remote, RequestID: rand.Text(), Header: map[string]string{viaField: viaValue},
		Mapping: i.from.Mapping, Quarantine: i.from.Quarantine, Body: received.Body,
	}}
	n.Type, n.Instance = i.from.Provider.Peek(n)
	ctx, cancel := context.WithTimeout(ctx, i.from.PublishDeadline)
	defer cancel()
	if _, err := i.poller.settings.Store.PublishNotification(ctx, n); err != nil {
		return err
	}
	i.note(func(s *stream.PollState) { s.ReceivedAt, s.Notifications = now, s.Notifications+1 })
	return nil
}

// notStored says how long to wait until the store is asked again. Nothing is lost meanwhile: it stays at GREEN-API.
func (i *instance) notStored(err error) (pause time.Duration) {
	if errors.Is(err, context.Canceled) {
		return 0 // The process ends.
	}
	i.trouble.began(stream.PollNoCapacity, "notification not stored, it stays at GREEN-API", err)
	if errors.Is(err, stream.ErrFull) {
		return fullPause
	}
	return noStorePause
}
