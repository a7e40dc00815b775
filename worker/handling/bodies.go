package handling

import (
	"context"
	"errors"

	"sluice.internal/shared/stream/consume"
	"sluice.internal/worker/memory"
)

const (
	// holdingShare and maxHolding are the part that the bodies of large events may take while they are handled.
	holdingShare = 0.2
	maxHolding   = 128 << 20
	// smallBody is how large a body may be that is handled without counting it.
	smallBody = 64 << 10
	// waitingShare and maxWaiting are the part that bodies may take of events that wait for others of their chat. Those
	// beyond are read again when their turn comes.
	waitingShare = 0.1
	maxWaiting   = 64 << 20
	// handledBytes is how much a handled body takes for each of its bytes: itself, and what is decoded of it.
	handledBytes = 3
)

// bodies are those of the events that a worker holds. It is safe for concurrent use.
type bodies struct {
	handled *memory.Budget // large ones, while they are handled
	waiting *memory.Budget // those of events that wait
}

func newBodies(limit int64) *bodies {
	return &bodies{
		handled: memory.New(limit, holdingShare, maxHolding), waiting: memory.New(limit, waitingShare, maxWaiting),
	}
}

// heldBody is the body of an event that waits or is handled. One that has to wait for memory, or for its next attempt, lets
// go of it and reads it again from where it is stored: a worker holds thousands of events, and all may be large.
type heldBody struct {
	bodies  *bodies
	event   *consume.Delivery
	size    int
	release func() // gives its memory back; nil while it has none
}

// receive takes the body of an event that has come and has to wait, or lets go of it.
func (b *bodies) receive(event *consume.Delivery) *heldBody {
	h := &heldBody{bodies: b, event: event, size: len(event.Body)}
	if h.size > smallBody {
		event.DropBody()
	} else if h.release = b.waiting.Try(int64(h.size)); h.release == nil {
		event.DropBody()
	}
	return h
}

// errStopped says that the worker was told to stop while a body waited for memory.
var errStopped = errors.New("the worker is told to stop")

// takeUp makes the body there to be handled. Where it has to wait for memory it calls waiting before. It returns errStopped
// when the worker is told to stop first, and otherwise why the body can't be read again.
func (h *heldBody) takeUp(stopping context.Context, waiting func()) error {
	h.forget()
	if h.size > smallBody {
		bytes := int64(h.size) * handledBytes
		if h.release = h.bodies.handled.Try(bytes); h.release == nil {
			waiting()
			h.release = h.bodies.handled.Reserve(stopping, bytes)
		}
		if h.release == nil {
			return errStopped
		}
	}
	if h.event.Body != nil {
		return nil
	}
	err := h.event.LoadBody(stopping)
	if err != nil {
		h.letGo()
	}
	return err
}

// letGo gives the memory of a large body back, and the body with it.
func (h *heldBody) letGo() {
	if h.release != nil {
		h.event.DropBody()
	}
	h.forget()
}

// forget gives the memory back.
func (h *heldBody) forget() {
	if h.release != nil {
		h.release()
		h.release = nil
	}
}
