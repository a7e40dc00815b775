package wire

import (
	"encoding/json"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// SuspectShard is the subject of what is known about workers that ended while they had a shard.
func SuspectShard(shard int) string { return "suspect.shard." + strconv.Itoa(shard) }

// SuspectNotification is the subject of who looks at a notification alone.
func SuspectNotification(sequence uint64) string {
	return "suspect.notification." + strconv.FormatUint(sequence, 10)
}

// SuspectEvent is the subject of who handles an event of a group alone. What is due again has sequences of its own.
func SuspectEvent(group string, due bool, sequence uint64) string {
	kind := "event"
	if due {
		kind = "due"
	}
	return "suspect." + kind + "." + Token(group) + "." + strconv.FormatUint(sequence, 10)
}

// SuspectMessage writes a document of a suspect as JSON, unless the subject has another last message than the one with
// the sequence.
func SuspectMessage(subject string, document any, last uint64) (*nats.Msg, error) {
	data, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	h := make(header, 1)
	h.set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(last, 10))
	return &nats.Msg{Subject: subject, Header: nats.Header(h), Data: data}, nil
}
