package reply_test

import (
	"errors"
	"testing"
	"time"

	"sluice.internal/shared/stream/reply"
	"sluice.internal/shared/streamtest"
)

// Of two who have read the same, one changes it.
func TestRecordIsChangedByOneAtATime(t *testing.T) {
	t.Parallel()
	records := reply.NewClient(streamtest.Start(t).Open(t).Client)
	id := reply.ID{Group: "default", Key: "0123456789abcdefghjkmnpqrstvwxyz", Number: 1}
	if got, err := records.Read(t.Context(), id); err != nil || got != (reply.Record{}) {
		t.Fatalf("before: %+v, error %v", got, err)
	}
	begun, err := records.Change(t.Context(), id, reply.Record{}, reply.Record{BegunAt: time.Unix(1, 0).UTC(), Digest: "d"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := records.Change(t.Context(), id, reply.Record{}, reply.Record{}); !errors.Is(err, reply.ErrOvertaken) {
		t.Errorf("who read nothing: %v", err)
	}
	sent := begun
	sent.SentAt, sent.Message = time.Unix(2, 0).UTC(), "BAE5"
	if _, err := records.Change(t.Context(), id, begun, sent); err != nil {
		t.Error(err)
	}
	if _, err := records.Change(t.Context(), id, begun, reply.Record{}); !errors.Is(err, reply.ErrOvertaken) {
		t.Errorf("who read what was before: %v", err)
	}
	if got, err := records.Read(t.Context(), id); err != nil || got.Message != "BAE5" || !got.SentAt.Equal(sent.SentAt) || got.Digest != "d" {
		t.Errorf("after: %+v, error %v", got, err)
	}
}

func TestEachAnswerHasARecordOfItsOwn(t *testing.T) {
	t.Parallel()
	records := reply.NewClient(streamtest.Start(t).Open(t).Client)
	id := reply.ID{Group: "default", Key: "0123456789abcdefghjkmnpqrstvwxyz", Number: 1}
	ids := []reply.ID{id, id, id, id, id}
	ids[1].Group, ids[2].Key, ids[3].Number, ids[4].Round = "billing", "another", 11, "replay/1"
	for _, id := range ids {
		if _, err := records.Change(t.Context(), id, reply.Record{}, reply.Record{Message: "sent"}); err != nil {
			t.Errorf("%+v: %v", id, err)
		}
	}
}
