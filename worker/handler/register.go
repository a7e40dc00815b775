package handler

import (
	"context"
	jsonstd "encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// greenAPI is the provider of the types in this folder.
const greenAPI = "green-api"

// builtIn is filled by the init functions of this package and only read afterwards.
var builtIn = New()

// register makes handle the handler of a type of GREEN-API. It panics when the type has one already: a mistake in
// this package, to be noticed at the first start.
func register[T any](kind string, handle func(context.Context, Event[T]) error, options ...Option) {
	Register(builtIn, greenAPI, kind, handle, options...)
}

// Register makes handle the handler of a type of a provider, such as "green-api" or "stripe". The body of each event is
// decoded into T as encoding/json does, but the names of fields count as they are written; a body that does not fit is a
// permanent error. [Document] as T leaves the decoding to the handler.
//
// It panics when the registry has a handler of the type already. To take the place of a built-in one, register it in a
// registry of its own and [Registry.Include] that.
func Register[T any](r *Registry, provider, kind string, handle func(context.Context, Event[T]) error, options ...Option) {
	n := name{provider, kind}
	switch _, taken := r.handlers[n]; {
	case provider == "" || kind == "":
		panic(fmt.Sprintf("a handler needs a provider and a type, got %q and %q", provider, kind))
	case handle == nil:
		panic(fmt.Sprintf("the handler of type %q of provider %q is nil", kind, provider))
	case taken:
		panic(fmt.Sprintf("type %q of provider %q has two handlers", kind, provider))
	}
	one := registered{handle: bind(handle)}
	for _, set := range options {
		set(&one)
	}
	r.put(n, one)
}

// Option is what a handler says of itself when it is registered.
type Option func(*registered)

// Timeout bounds each call of a handler, in place of worker.handler_timeout. When it is over the call's context ends, and
// the try has failed. It panics when the time is not above zero.
func Timeout(timeout time.Duration) Option {
	if timeout <= 0 {
		panic(fmt.Sprintf("a handler can't end within %s", timeout))
	}
	return func(one *registered) { one.timeout = timeout }
}

// Document is a body as JSON, for handlers that decode it themselves. A form is JSON here as well, as docs/senders.md says.
type Document = jsonstd.RawMessage

func bind[T any](handle func(context.Context, Event[T]) error) Func {
	return func(ctx context.Context, event Event[Document]) error {
		var body T
		if err := decode(event.Body, &body); err != nil {
			return Permanent(fmt.Errorf("decode %q into %s: %w", event.Type, reflect.TypeFor[T](), err))
		}
		return handle(ctx, Event[T]{About: event.About, Body: body})
	}
}

// decode reads one JSON value by the rules that it was validated by: the names of fields count as they are written,
// where encoding/json would take "FROM" for "from". Where the target leaves the type open, numbers keep their digits.
func decode(data []byte, target any) error {
	return json.Unmarshal(data, target, jsonv1.DefaultOptionsV1(), json.MatchCaseInsensitiveNames(false),
		jsontext.AllowInvalidUTF8(false), json.WithUnmarshalers(json.JoinUnmarshalers(
			json.UnmarshalFromFunc(openNumber), json.UnmarshalFromFunc(number),
		)))
}

// openNumber keeps the digits of a number whose target leaves the type open.
func openNumber(decoder *jsontext.Decoder, target *any) error {
	if decoder.PeekKind() != '0' {
		return errors.ErrUnsupported // The library goes on as without this function.
	}
	var n jsonstd.Number
	err := number(decoder, &n)
	*target = n
	return err
}

// number reads what encoding/json reads into its Number, which the library takes for any other string.
func number(decoder *jsontext.Decoder, target *jsonstd.Number) error {
	if decoder.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	token, err := decoder.ReadToken()
	if err != nil {
		return err
	}
	*target = jsonstd.Number(token.String())
	return nil
}
