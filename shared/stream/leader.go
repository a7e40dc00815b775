package stream

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Lookup says which message of a stream is asked for: the one with a sequence, or the first of a subject from a sequence or a
// time on. Source: NATS, JetStream wire API reference.
type Lookup struct {
	// Sequence is that of the message, or the one from which on Subject is looked for.
	Sequence uint64 `json:"seq,omitempty"`
	// Since is the time from which on Subject is looked for.
	Since *time.Time `json:"start_time,omitempty"`
	// Subject may have wildcards.
	Subject string `json:"next_by_subj,omitempty"`
}

// AtLeader returns a message of a stream as the stream's leader has it. The methods of the client of NATS may ask any server
// that has a copy, which may not have heard of the message yet: where it matters that a message is not there, the leader has
// to say so. Errors: jetstream.ErrMsgNotFound, and those of the server and the connection.
func (s *Client) AtLeader(ctx context.Context, name string, wanted Lookup) (*jetstream.RawStreamMsg, error) {
	request, err := json.Marshal(wanted)
	if err != nil {
		return nil, err
	}
	prefix := cmp.Or(strings.TrimSuffix(s.js.Options().APIPrefix, "."), strings.TrimSuffix(jetstream.DefaultAPIPrefix, "."))
	return RetryUntilLeader(ctx, s, func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
		reply, err := s.js.Conn().RequestWithContext(ctx, prefix+".STREAM.MSG.GET."+name, request)
		if err != nil {
			return nil, err
		}
		return readMessage(reply.Data)
	})
}

// readMessage reads the answer to a request for a message.
func readMessage(document []byte) (*jetstream.RawStreamMsg, error) {
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Subject  string    `json:"subject"`
			Sequence uint64    `json:"seq"`
			Header   []byte    `json:"hdrs"`
			Data     []byte    `json:"data"`
			Time     time.Time `json:"time"`
		} `json:"message"`
	}
	switch err := json.Unmarshal(document, &answer); {
	case err != nil:
		return nil, fmt.Errorf("read the server's answer: %w", err)
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, jetstream.ErrMsgNotFound
	case answer.Error != nil:
		return nil, answer.Error
	case answer.Message.Sequence == 0:
		return nil, jetstream.ErrInvalidJetStreamResponse
	}
	m := &answer.Message
	message := &jetstream.RawStreamMsg{Subject: m.Subject, Sequence: m.Sequence, Data: m.Data, Time: m.Time}
	if len(m.Header) > 0 {
		header, err := nats.DecodeHeadersMsg(m.Header)
		if err != nil {
			return nil, fmt.Errorf("read header of message %d: %w", m.Sequence, err)
		}
		message.Header = header
	}
	return message, nil
}
