package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"sluice.internal/shared/notification"
)

// greenAPI is the provider of the types in this folder.
const greenAPI = "green-api"

// builtIn is filled by the init functions of this package and only read afterwards.
var builtIn = Registry{handlers: map[name]invoke{}}

// register makes handle the handler of a type of GREEN-API. It panics when the type has one already: a mistake in
// this package, to be noticed at the first start.
func register[T any](kind string, handle func(context.Context, Event[T]) error) {
	registerFor(greenAPI, kind, handle)
}

// registerFor is register for any provider.
func registerFor[T any](provider, kind string, handle func(context.Context, Event[T]) error) {
	builtIn.add(provider, kind, bind(handle))
}

// invoke is a handler that reads its body itself, so that handlers of all body types fit into one table.
type invoke func(ctx context.Context, event notification.Event, tools Tools) error

func bind[T any](handle func(context.Context, Event[T]) error) invoke {
	return func(ctx context.Context, event notification.Event, tools Tools) error {
		var body T
		if err := decode(notification.AsJSON(event.ContentType, event.Body), &body); err != nil {
			return Permanent(fmt.Errorf("decode %q into %s: %w", event.Type, reflect.TypeFor[T](), err))
		}
		return handle(ctx, newEvent(event, body, tools))
	}
}

// decode reads one JSON value. Where the target leaves the type open, numbers keep their digits.
func decode(data []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(target); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("more data at byte %d", decoder.InputOffset())
	}
	return nil
}
