package handler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/worker/handler"
)

func nothing(context.Context, handler.Event[struct{}]) error { return nil }

func TestEveryDocumentedTypeHasAHandler(t *testing.T) {
	t.Parallel()
	want := []string{
		"deviceInfo", "incomingBlock", "incomingCall", "incomingMessageReceived", "outgoingAPIMessageReceived",
		"outgoingCall", "outgoingMessageReceived", "outgoingMessageStatus", "quotaExceeded",
		"stateInstanceChanged", "statusInstanceChanged",
	}
	if got := greenAPITypes(); !slices.Equal(got, want) {
		t.Errorf("types %v, want %v", got, want)
	}
	if got := handler.BuiltIn().Providers(); !slices.Equal(got, []string{provider, "sms-by", "timepad"}) {
		t.Errorf("providers %v", got)
	}
}

func greenAPITypes() []string {
	var types []string
	for _, pair := range handler.BuiltIn().Pairs() {
		if pair[0] == provider {
			types = append(types, pair[1])
		}
	}
	return types
}

// twoProviders has a type that both providers send.
func twoProviders() *handler.Registry {
	registry := handler.New()
	handler.Register(registry, "shop", "refund", nothing)
	handler.Register(registry, "shop", "order", nothing)
	handler.Register(registry, "bank", "refund", nothing)
	return registry
}

func TestListsAreSortedAndNameEachThingOnce(t *testing.T) {
	t.Parallel()
	registry := twoProviders()
	if got := registry.Types(); !slices.Equal(got, []string{"order", "refund"}) {
		t.Errorf("types %v", got)
	}
	if got := registry.Providers(); !slices.Equal(got, []string{"bank", "shop"}) {
		t.Errorf("providers %v", got)
	}
	if got := fmt.Sprint(registry.Pairs()); got != "[[bank refund] [shop order] [shop refund]]" {
		t.Errorf("pairs %v", got)
	}
}

func TestSelectionHandlesTheChosenTypesOfAllProviders(t *testing.T) {
	t.Parallel()
	registry := twoProviders()
	selected, err := registry.Select("refund")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(selected.Pairs()); got != "[[bank refund] [shop refund]]" {
		t.Errorf("pairs %v", got)
	}
	if len(registry.Pairs()) != 3 {
		t.Error("the selection changed what it was made from")
	}
}

func TestSelectionOfNothingIsAll(t *testing.T) {
	t.Parallel()
	selected, err := handler.BuiltIn().Select()
	if err != nil || !slices.Equal(selected.Types(), handler.BuiltIn().Types()) {
		t.Errorf("types %v, error %v", selected.Types(), err)
	}
}

func TestSelectionNamesAllUnknownTypesAndTheKnownOnes(t *testing.T) {
	t.Parallel()
	selected, err := handler.BuiltIn().Select("incomingCall", "incommingCall", "newThing")
	if err == nil {
		t.Fatal("unknown types were selected")
	}
	unknown, known, _ := strings.Cut(err.Error(), ",")
	if !strings.Contains(unknown, `"incommingCall"`) || !strings.Contains(unknown, `"newThing"`) || strings.Contains(unknown, `"incomingCall"`) {
		t.Errorf("error %q does not name the unknown types alone", err)
	}
	for _, kind := range handler.BuiltIn().Types() {
		if !strings.Contains(known, kind) {
			t.Errorf("error %q does not name %s", err, kind)
		}
	}
	if len(selected.Types()) != 0 {
		t.Errorf("types %v in spite of the error", selected.Types())
	}
}

func TestTwoHandlersOfOneTypePanic(t *testing.T) {
	t.Parallel()
	registry := twoProviders()
	defer func() {
		if cause := fmt.Sprint(recover()); !strings.Contains(cause, `"order"`) || !strings.Contains(cause, `"shop"`) {
			t.Errorf("panic %q, want it to name type and provider", cause)
		}
	}()
	handler.Register(registry, "shop", "order", nothing)
}

func TestHandlerMayHaveATimeOfItsOwn(t *testing.T) {
	t.Parallel()
	registry := twoProviders()
	handler.Register(registry, "shop", "invoice", nothing, handler.Timeout(5*time.Minute))
	if got := registry.Timeout("shop", "invoice"); got != 5*time.Minute {
		t.Errorf("an invoice has %s, want 5m", got)
	}
	if got := registry.Timeout("shop", "order"); got != 0 {
		t.Errorf("an order has %s of its own, want none", got)
	}
}

func TestIncludedHandlersTakeThePlaceOfThoseThatAreThere(t *testing.T) {
	t.Parallel()
	registry, other := twoProviders(), handler.New()
	handler.Register(other, "shop", "order", func(context.Context, handler.Event[struct{}]) error { return errOops }, handler.Timeout(time.Hour))
	handler.Register(other, "shop", "parcel", nothing)
	registry.Include(other)
	if got := fmt.Sprint(registry.Pairs()); got != "[[bank refund] [shop order] [shop parcel] [shop refund]]" {
		t.Errorf("pairs %v", got)
	}
	if handled, err := handleOrder(t, registry); !handled || !errors.Is(err, errOops) {
		t.Errorf("handled %t, error %v", handled, err)
	}
	if got := registry.Timeout("shop", "order"); got != time.Hour {
		t.Errorf("an order has %s, want an hour", got)
	}
	if len(other.Pairs()) != 2 {
		t.Error("what was included is changed")
	}
}

// handleOrder hands an order of the shop to the registry's handler.
func handleOrder(t *testing.T, registry *handler.Registry) (handled bool, err error) {
	t.Helper()
	order := event("order", `{}`)
	order.Provider = "shop"
	return registry.Handle(t.Context(), order, handler.Tools{})
}

func TestMiddlewareIsAroundEveryHandlerTheFirstOutermost(t *testing.T) {
	t.Parallel()
	var steps []string
	around := func(name string) func(handler.Func) handler.Func {
		return func(next handler.Func) handler.Func {
			return func(ctx context.Context, event handler.Event[handler.Document]) error {
				steps = append(steps, name+" "+event.Type+" "+string(event.Body))
				err := next(ctx, event)
				steps = append(steps, name+" ends")
				return err
			}
		}
	}
	inner, outer := handler.New(), handler.New()
	inner.Use(around("inner"))
	handler.Register(inner, "shop", "order", func(context.Context, handler.Event[struct{}]) error { return errOops })
	outer.Include(inner)
	outer.Use(around("first"), around("second"))
	selected, err := outer.Select("order")
	if err != nil {
		t.Fatal(err)
	}
	for _, registry := range []*handler.Registry{outer, selected} {
		steps = nil
		if _, err := handleOrder(t, registry); !errors.Is(err, errOops) {
			t.Errorf("error %v", err)
		}
		want := []string{"first order {}", "second order {}", "inner order {}", "inner ends", "second ends", "first ends"}
		if !slices.Equal(steps, want) {
			t.Errorf("steps %q, want %q", steps, want)
		}
	}
}

func TestMiddlewareMayAnswerItself(t *testing.T) {
	t.Parallel()
	registry := handler.New()
	registry.Use(func(handler.Func) handler.Func {
		return func(context.Context, handler.Event[handler.Document]) error { return errOops }
	})
	handler.Register(registry, "shop", "order", func(context.Context, handler.Event[struct{}]) error {
		t.Error("the handler is called")
		return nil
	})
	if handled, err := handleOrder(t, registry); !handled || !errors.Is(err, errOops) {
		t.Errorf("handled %t, error %v", handled, err)
	}
}

func TestBuiltInHandlersAreTheCallersToChange(t *testing.T) {
	t.Parallel()
	mine := handler.BuiltIn()
	handler.Register(mine, provider, "orderPaid", nothing)
	mine.Use(func(next handler.Func) handler.Func { return next })
	if slices.Contains(handler.BuiltIn().Types(), "orderPaid") {
		t.Error("everybody has the handler")
	}
}

func TestHalfARegistrationPanics(t *testing.T) {
	t.Parallel()
	for name, register := range map[string]func(){
		"no provider": func() { handler.Register(handler.New(), "", "order", nothing) },
		"no type":     func() { handler.Register(handler.New(), "shop", "", nothing) },
		"no function": func() {
			handler.Register(handler.New(), "shop", "order", (func(context.Context, handler.Event[struct{}]) error)(nil))
		},
		"no time": func() { handler.Timeout(0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("it is taken")
				}
			}()
			register()
		})
	}
}
