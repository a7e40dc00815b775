package handler_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/costtest"
	"sluice.internal/shared/notification"
	"sluice.internal/worker/handler"
)

// handlingLimit is what a built-in handler may spend on an event. It decodes what its struct has and passes over the rest.
var handlingLimit = costtest.Limit{Base: 2 << 20, PerByte: 400, MaxMemory: 192 << 20, CPUPerMiB: 4 * time.Second}

// No body makes a handler panic, and one that is an object at all is handled, whatever is in it.
func FuzzBodies(f *testing.F) {
	for _, sample := range samples(f) {
		f.Add([]byte(sample.body))
	}
	for _, seed := range []string{"", "null", "[]", `{"Status":{},"status":5}`, `{"quotaData":null}`, `{"messageData":[{}]}`} {
		f.Add([]byte(seed))
	}
	for _, body := range costtest.Bodies(32 << 10) {
		f.Add(body)
	}
	registry := handler.BuiltIn()
	f.Fuzz(func(t *testing.T, body []byte) {
		_, fault := notification.Parse(body)
		for _, pair := range registry.Pairs() {
			kind, accepted := pair[1], event(pair[1], string(body))
			accepted.Provider = pair[0]
			var (
				handled bool
				err     error
			)
			handlingLimit.Check(t, len(body), func() { handled, err = registry.Handle(t.Context(), accepted, handler.Tools{}) })
			if !handled {
				t.Fatalf("%s is not handled", kind)
			}
			if err != nil && (fault == nil || !errors.Is(err, handler.ErrPermanent) || strings.Contains(err.Error(), "panicked")) {
				t.Errorf("%s: error %v, fault %v", kind, err, fault)
			}
		}
	})
}
