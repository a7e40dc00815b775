package admin_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// An answer that does not come holds an operator up for no longer than the choice of a leader takes, however long the context
// lasts: what was asked is asked again.
func TestRequestThatGoesUnansweredIsMadeAgain(t *testing.T) {
	t.Parallel()
	for lostRequest, do := range map[string]func(context.Context, *admin.Client) error{
		"$JS.API.STREAM.INFO." + stream.Events: func(ctx context.Context, c *admin.Client) error {
			_, err := c.Status(ctx)
			return err
		},
		"$JS.API.STREAM.INFO." + stream.Notifications: func(ctx context.Context, c *admin.Client) error {
			_, err := c.Progress(ctx)
			return err
		},
		"$JS.API.STREAM.INFO." + stream.DeadLetters: func(ctx context.Context, c *admin.Client) error {
			_, err := c.LastDeadLetter(ctx)
			return err
		},
		"$JS.API.STREAM.MSG.DELETE." + stream.DeadLetters: func(ctx context.Context, c *admin.Client) error {
			letter, err := c.DeadLetter(ctx, 1)
			if err != nil {
				return err
			}
			return c.DropDeadLetter(ctx, &letter, "me")
		},
		"$JS.API.CONSUMER.DELETE." + stream.Events + ".some-p0": func(ctx context.Context, c *admin.Client) error {
			return c.RemoveGroup(ctx, "some")
		},
		"$JS.API.STREAM.PURGE." + stream.Retries: func(ctx context.Context, c *admin.Client) error {
			return c.RemoveGroup(ctx, "some")
		},
		"$JS.API.STREAM.PURGE." + stream.Positions: func(ctx context.Context, c *admin.Client) error {
			return c.RemoveBot(ctx, "some")
		},
		"$JS.API.CONSUMER.CREATE." + stream.Notifications + ".CENTRE": func(ctx context.Context, c *admin.Client) error {
			return c.ShareNotifications(ctx)
		},
	} {
		t.Run(lostRequest, func(t *testing.T) {
			t.Parallel()
			server := streamtest.Start(t)
			streams, ctx := server.Open(t), streamtest.Context(t)
			streamtest.Must(t, streams.PublishDeadLetter(ctx, &notification.DeadLetter{
				Event:  notification.Event{Origin: streamtest.Notification(0).Origin},
				Reason: notification.ReasonInvalid, Error: "is no JSON", DiedAt: time.Now(),
			}))
			group, err := streams.Group(ctx, consume.GroupSettings{Name: "some"})
			streamtest.Must(t, err)
			_, err = group.Partitions[0].Open(ctx)
			streamtest.Must(t, err)
			address, lose, lost := streamtest.LossyLine(t, server.URL())
			conn, err := stream.Connect(streamtest.At(t, address), t.Name(), slog.New(slog.DiscardHandler))
			streamtest.Must(t, err)
			t.Cleanup(conn.Close)
			operator, err := admin.Attach(ctx, conn)
			streamtest.Must(t, err)
			lose(lostRequest)
			if err := do(ctx, operator); err != nil {
				t.Error(err)
			}
			if !lost() {
				t.Error("every request was answered, so the test shows nothing")
			}
		})
	}
}
