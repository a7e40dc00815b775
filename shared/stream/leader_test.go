package stream_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
)

func TestLeaderHasTheWholeMessageOrSaysThatThereIsNone(t *testing.T) {
	t.Parallel()
	cluster := streamtest.StartCluster(t)
	streams, ctx := cluster.Open(t, streamtest.Shards(1)), streamtest.Context(t)
	streamtest.Publish(ctx, t, streams, 0, 3)
	opened, err := streams.JetStream().Stream(ctx, stream.Notifications)
	if err != nil {
		t.Fatal(err)
	}
	var want *jetstream.RawStreamMsg
	streamtest.Eventually(ctx, t, "all replicas to have the message", func() bool {
		want, err = opened.GetMsg(ctx, 2)
		return err == nil
	})
	for _, place := range []string{"Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp"} {
		delete(want.Header, place) // Which a direct answer has there.
	}
	for what, wanted := range map[string]stream.Lookup{
		"by its sequence":       {Sequence: 2},
		"as the next of a kind": {Sequence: 2, Subject: "in.*.green-api"},
	} {
		got, err := streams.Client.AtLeader(ctx, stream.Notifications, wanted)
		if err != nil || got.Subject != want.Subject || got.Sequence != 2 || !bytes.Equal(got.Data, want.Data) ||
			!got.Time.Equal(want.Time) || !reflect.DeepEqual(got.Header, want.Header) {
			t.Errorf("%s: %+v, error %v, want %+v", what, got, err, want)
		}
	}
	long := time.Now().Add(-time.Hour)
	if first, err := streams.Client.AtLeader(ctx, stream.Notifications, stream.Lookup{Since: &long, Subject: ">"}); err != nil || first.Sequence != 1 {
		t.Errorf("the first since an hour is %+v, error %v", first, err)
	}
	for what, wanted := range map[string]stream.Lookup{
		"behind the end": {Sequence: 4}, "of another kind": {Sequence: 1, Subject: "in.*.shop"}, "nothing from there on": {Sequence: 4, Subject: ">"},
	} {
		if got, err := streams.Client.AtLeader(ctx, stream.Notifications, wanted); !errors.Is(err, jetstream.ErrMsgNotFound) {
			t.Errorf("%s: %+v, error %v", what, got, err)
		}
	}
}
