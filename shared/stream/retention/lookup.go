package retention

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
)

// firstSince returns the first sequence that is no older than the age by the server's clock. The newest message
// counts as young, unless no age is asked for: while one is stored, a restarted server sees in the data which
// sequence was the last.
func (t *trimming) firstSince(ctx context.Context, age time.Duration) (uint64, error) {
	state, since := t.info.State, t.info.TimeStamp.Add(-age)
	switch {
	case state.Msgs == 0 || !state.FirstTime.Before(since):
		return state.FirstSeq, nil
	case age == 0:
		return state.LastSeq + 1, nil
	case state.LastTime.Before(since):
		return state.LastSeq, nil
	}
	found, err := t.look(ctx, lookup{Since: &since, Subject: ">"})
	if err != nil {
		return 0, fmt.Errorf("find the first message since %s: %w", since.Format(time.RFC3339), err)
	}
	return min(found, state.LastSeq), nil
}

// lookup asks for the first message of a subject from a sequence or a time on.
type lookup struct {
	From      uint64     `json:"seq,omitempty"`
	Since     *time.Time `json:"start_time,omitempty"`
	Subject   string     `json:"next_by_subj"`
	NoHeaders bool       `json:"no_hdr"`
}

// look returns the sequence of what was asked for, or jetstream.ErrMsgNotFound. It asks the stream's leader: the
// client's own methods may ask another server of the cluster, which may not have heard of the message yet.
func (t *trimming) look(ctx context.Context, wanted lookup) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, stream.LookTimeout)
	defer cancel()
	wanted.NoHeaders = true
	var answer struct {
		Message struct {
			Sequence uint64 `json:"seq"`
		} `json:"message"`
	}
	if err := t.ask(ctx, "STREAM.MSG.GET.", wanted, &answer); err != nil {
		return 0, err
	}
	if answer.Message.Sequence == 0 {
		return 0, jetstream.ErrInvalidJetStreamResponse
	}
	return answer.Message.Sequence, nil
}

// ask sends a request of the server's API about the stream, for what the client has no method or hides the answer. It waits for
// no answer that a fall of the connection has taken away. Source: NATS, JetStream wire API reference.
func (t *trimming) ask(ctx context.Context, method string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.client.Connected(), cancel)() //nolint:contextcheck // The connection's fall is no caller's.
	reply, err := t.client.JetStream().Conn().RequestWithContext(ctx, jetstream.DefaultAPIPrefix+method+t.name, body)
	if err != nil {
		return err
	}
	var failure struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &failure); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if failure.Error != nil {
		return failure.Error
	}
	return json.Unmarshal(reply.Data, answer)
}
