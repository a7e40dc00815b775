package simulate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"

	"sluice.internal/sluice/ledger"
)

// faults adds to what happens in the world what a receiver has to bear with. It has chances of its own, so that the
// world is the same with and without it.
type faults struct {
	random   *rand.Rand
	settings Settings
	world    *world
	last     int64 // number of what was made up here
}

// next is the next notification of the instance.
func (f *faults) next(at time.Time) notification {
	switch drawn := f.random.Float64(); {
	case drawn < f.settings.Unknown:
		return f.unknown(at)
	case drawn < f.settings.Unknown+f.settings.Invalid:
		return f.invalid(at)
	}
	n := f.world.next(at)
	n.twice = f.random.Float64() < f.settings.Duplicates
	return n
}

func unknownTypes() []string {
	return []string{"channelPostReceived", "storyReceived", "incomingPayment"}
}

// unknown is a type that GREEN-API may bring out tomorrow.
func (f *faults) unknown(at time.Time) notification {
	d := f.world.document(one(f.random, unknownTypes()), at)
	d.ChatID, d.IDMessage = one(f.random, f.world.chats).id, f.id()
	d.MessageData = fields{"typeMessage": "hologramMessage", "hologram": fields{"frames": f.random.IntN(100)}}
	n := d.notification()
	n.fault = ledger.FaultUnknown
	return n
}

func (f *faults) id() string {
	f.last++
	return fmt.Sprintf("FA%016X%06X", f.random.Uint64(), f.last)
}

// invalid is a message that can't be told from noise, which any receiver refuses.
func (f *faults) invalid(at time.Time) notification {
	in := one(f.random, f.world.chats)
	d := f.world.document(typeIncoming, at)
	d.IDMessage, d.SenderData = f.id(), f.world.senderData(in, in.members[0])
	d.MessageData = fields{"typeMessage": "textMessage", "textMessageData": fields{"textMessage": "invalid"}}
	n := d.notification()
	n.fault = ledger.FaultInvalid
	switch f.random.IntN(5) {
	case 0: // ends in the middle
		n.body = n.body[:len(n.body)-1-f.random.IntN(40)]
	case 1: // no JSON
		n.body = []byte("<html>" + d.IDMessage + "</html>")
	case 2: // no type
		n.body = bytes.Replace(n.body, []byte(`"typeWebhook":"`+typeIncoming+`"`), []byte(`"typeWebhook":null`), 1)
	case 3: // a field twice
		n.body = append([]byte(`{"idMessage":"another",`), n.body[1:]...)
	default: // no object
		n.body = encode([]document{d})
	}
	return n
}
