package admin_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

func TestDecisionsAreThoseOfTheIntake(t *testing.T) {
	t.Parallel()
	streams, ctx := streamtest.Start(t).Open(t), streamtest.Context(t)
	before := notification.DeadLetter{Event: streamtest.Event(streams, 9), Reason: notification.ReasonInvalid, DiedAt: time.Now()}
	if err := streams.PublishDeadLetter(ctx, &before); err != nil {
		t.Fatal(err)
	}
	since, err := streams.LastDeadLetter(ctx)
	if err != nil || since != 1 {
		t.Fatalf("last dead letter %d, %v", since, err)
	}
	receipts := storeThree(t, streams)
	made, err := streams.AwaitDecisions(ctx, receipts, since)
	if err != nil || made.Waiting != 3 || len(made.Refused) != 0 {
		t.Errorf("before any worker: %+v, %v", made, err)
	}
	intake, err := streams.Intake(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	decided := make(chan error, 1)
	go func() { decided <- decide(ctx, streams, intake, len(receipts), receipts[1]) }()
	made, err = streams.AwaitDecisions(ctx, receipts, since)
	if err != nil || made.Waiting != 0 || len(made.Refused) != 1 || made.Refused[0].NotificationSequence != receipts[1] {
		t.Errorf("decided %+v, %v", made, err)
	}
	if err := <-decided; err != nil {
		t.Error(err)
	}
	if made, err = streams.AwaitDecisions(ctx, []uint64{99}, since); err != nil || made.Waiting != 0 {
		t.Errorf("what is not kept any more: %+v, %v", made, err)
	}
}

func storeThree(t *testing.T, streams *streamtest.Streams) (receipts []uint64) {
	t.Helper()
	for i := range 3 {
		receipt, err := streams.PublishNotification(streamtest.Context(t), &notification.Notification{Origin: notification.Origin{
			Source: "green-api", Provider: "green-api", RequestID: fmt.Sprint(i), ReceivedAt: time.Now(), Body: []byte("{}"),
		}})
		if err != nil {
			t.Fatal(err)
		}
		receipts = append(receipts, receipt)
	}
	return receipts
}

// decide takes notifications in as a worker does that refuses one of them.
func decide(ctx context.Context, streams *streamtest.Streams, intake *consume.Intake, count int, refused uint64) error {
	for taken := 0; taken < count; {
		batch, err := intake.Next(ctx)
		if err != nil {
			return err
		}
		for i := range batch {
			deadLetter := notification.DeadLetter{Reason: notification.ReasonInvalid, DiedAt: time.Now()}
			if deadLetter.NotificationSequence = batch[i].Sequence; batch[i].Sequence == refused {
				if err := streams.PublishDeadLetter(ctx, &deadLetter); err != nil {
					return err
				}
			}
			if err := batch[i].Ack(); err != nil {
				return err
			}
			taken++
		}
	}
	return nil
}
