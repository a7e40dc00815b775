package wire

import (
	"crypto/rand"
	"encoding/json"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/notification"
)

// ReplySubject is where it is written what became of an answer of an event. A round that answers again has records of its own.
func ReplySubject(group, key string, number int, round string) string {
	subject := "reply." + Token(group) + "." + Token(key) + "." + strconv.Itoa(number)
	if round != "" {
		subject += "." + notification.Key(round)
	}
	return subject
}

// ReplyMessage writes a record of an answer, unless the subject has another last message than the one with the sequence. Its id
// lets it be published again when the acknowledgement was lost.
func ReplyMessage(subject string, document any, last uint64) (*nats.Msg, error) {
	body, err := json.Marshal(document)
	h := make(header, 2)
	h.set(nats.MsgIdHdr, rand.Text())
	h.set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(last, 10))
	return &nats.Msg{Subject: subject, Header: nats.Header(h), Data: body}, err
}
