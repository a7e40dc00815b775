package handler_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

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
	if got := handler.All().Providers(); !slices.Equal(got, []string{provider, "sms-by", "timepad"}) {
		t.Errorf("providers %v", got)
	}
}

func greenAPITypes() []string {
	var types []string
	for _, pair := range handler.All().Pairs() {
		if pair[0] == provider {
			types = append(types, pair[1])
		}
	}
	return types
}

// twoProviders has a type that both providers send.
func twoProviders() handler.Registry {
	registry := handler.Empty()
	handler.Add(registry, "shop", "refund", nothing)
	handler.Add(registry, "shop", "order", nothing)
	handler.Add(registry, "bank", "refund", nothing)
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
	selected, err := handler.All().Select()
	if err != nil || !slices.Equal(selected.Types(), handler.All().Types()) {
		t.Errorf("types %v, error %v", selected.Types(), err)
	}
}

func TestSelectionNamesAllUnknownTypesAndTheKnownOnes(t *testing.T) {
	t.Parallel()
	selected, err := handler.All().Select("incomingCall", "incommingCall", "newThing")
	if err == nil {
		t.Fatal("unknown types were selected")
	}
	unknown, known, _ := strings.Cut(err.Error(), ",")
	if !strings.Contains(unknown, `"incommingCall"`) || !strings.Contains(unknown, `"newThing"`) || strings.Contains(unknown, `"incomingCall"`) {
		t.Errorf("error %q does not name the unknown types alone", err)
	}
	for _, kind := range handler.All().Types() {
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
	handler.Add(registry, "shop", "order", nothing)
}
