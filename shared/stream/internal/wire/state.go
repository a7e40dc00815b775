package wire

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// PollLeaseSubject is where the lease to poll an instance is.
func PollLeaseSubject(source, instance string) string {
	return "lease.poll." + Token(source) + "." + Token(instance)
}

// PollStateSubject is where the poller of an instance says how it is.
func PollStateSubject(source, instance string) string {
	return "state.poll." + Token(source) + "." + Token(instance)
}

// PollStates are the subjects of all that pollers say.
const PollStates = "state.poll.>"

// LeaseMessage is a lease that replaces the one with the sequence, 0 for none, and that the server takes away after a while.
func LeaseMessage(subject, holder, id string, last uint64, lasts time.Duration) *nats.Msg {
	h := make(header, 4)
	h.set(nats.MsgIdHdr, id)
	h.set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(last, 10))
	h.set(jetstream.MsgTTLHeader, lasts.String())
	h.set(HeaderHolder, holder)
	return &nats.Msg{Subject: subject, Header: nats.Header(h)}
}

// StateMessage writes what a process says about itself; it replaces what was said before.
func StateMessage(subject string, document any) (*nats.Msg, error) {
	body, err := json.Marshal(document)
	return &nats.Msg{Subject: subject, Data: body}, err
}
