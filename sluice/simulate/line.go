package simulate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/service"
)

// What can go wrong with an attempt on its way. The names are those of the same faults where GREEN-API is asked instead.
const (
	// LineCut ends the connection in the middle of the body.
	LineCut = "cut"
	// LineHang sends half of the body and then nothing, for as long as the receiver bears it.
	LineHang = "hang"
	// LineSlow takes a second for the body.
	LineSlow = "slow"
	// LineLose hangs up once all is sent, so that the answer is lost.
	LineLose = "lose"
)

// LineFaults returns their names.
func LineFaults() []string { return []string{LineCut, LineHang, LineLose, LineSlow} }

// LineFault is something that goes wrong with attempts on their way.
type LineFault struct {
	// Name is one of LineFaults, Chance the part of attempts that have it, from 0 to 1.
	Name   string
	Chance float64
}

// Check says what is wrong with a fault.
func (f LineFault) Check() error {
	if !slices.Contains(LineFaults(), f.Name) {
		return fmt.Errorf("there is no fault %q on the way; choose one of %s", f.Name, strings.Join(LineFaults(), ", "))
	}
	if f.Chance < 0 || f.Chance > 1 {
		return fmt.Errorf("the chance of fault %q must be from 0 to 1", f.Name)
	}
	return nil
}

// slowParts is in how many parts a slow body is sent, within a second.
const slowParts = 10

var (
	errCut  = errors.New("the simulator hung up in the middle of the body")
	errLost = errors.New("the simulator hung up before the answer")
)

// spoil lets a request have a fault. It returns the request that is sent instead, and what to do when it is over.
func spoil(request *http.Request, fault string, body []byte) (spoiled *http.Request, release func()) {
	ctx, cancel := context.WithCancelCause(request.Context())
	if fault == LineLose {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { cancel(errLost) }})
	}
	spoiled = request.Clone(ctx)
	if fault != LineLose {
		// The length stays announced, as it is when a line breaks.
		spoiled.Body, spoiled.GetBody = &brokenBody{ctx: ctx, fault: fault, rest: bytes.NewReader(body), size: len(body)}, nil
	}
	return spoiled, func() { cancel(nil) }
}

// brokenBody is a body that comes as its fault has it.
type brokenBody struct {
	ctx   context.Context //nolint:containedctx // A reader has no other way to hear of its end.
	fault string
	rest  *bytes.Reader
	size  int
}

func (b *brokenBody) Read(into []byte) (int, error) {
	if b.fault == LineSlow {
		if err := service.Sleep(b.ctx, time.Second/slowParts); err != nil {
			return 0, err
		}
		return b.rest.Read(into[:min(len(into), b.size/slowParts+1)])
	}
	left := b.rest.Len() - b.size/2
	if left > 0 {
		return io.LimitReader(b.rest, int64(left)).Read(into)
	}
	if b.fault == LineCut {
		return 0, errCut
	}
	<-b.ctx.Done()
	return 0, context.Cause(b.ctx)
}

func (*brokenBody) Close() error { return nil }
