package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"strings"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source/mapping"
)

// Interpretation is what a notification means to its provider.
type Interpretation struct {
	// Provider is the one that the notification names.
	Provider Provider
	// Body is the parsed body; opaque where it is no document and need not be one.
	Body *notification.Document
	// Identity has type, instance, order and key.
	Identity notification.Identity
	// Schemas names the folder of schemas: the provider, or the source where the source has a mapping of its own.
	Schemas string
	// Faults are those of an identity that was read all the same.
	Faults []notification.Fault
}

// Interpret reads a notification as its provider, one of those given, means it. It does not validate the body. A fault says
// why the notification can't be read; then only Identity has a meaning, with the parts that are known nevertheless. No
// notification makes it panic; it is safe for concurrent use.
//
// A fault is only what can't be told from noise, whatever the mode of the source: a body that is no object, has no type, is
// ambiguous or out of bounds. Without one, type, instance, order key and object are as every reader behind sees them: see
// MaxIdentity.
func Interpret(providers map[string]Provider, n *notification.Notification) (Interpretation, *notification.Fault) {
	found := Interpretation{Identity: notification.Identity{Type: n.Type, Instance: n.Instance}}
	provider, ok := providers[n.Provider]
	if !ok {
		return found, &notification.Fault{
			Message: fmt.Sprintf("comes from provider %q, which this worker does not know", n.Provider),
		}
	}
	return interpret(provider, n)
}

// interpret is Interpret for a known provider.
func interpret(provider Provider, n *notification.Notification) (Interpretation, *notification.Fault) {
	found := Interpretation{Identity: notification.Identity{Type: n.Type, Instance: n.Instance}}
	if n.ContentEncoding != "" {
		return found, &notification.Fault{
			Message: fmt.Sprintf("has the content encoding %q, which could not be undone", n.ContentEncoding),
		}
	}
	body, fault := read(provider, n)
	if fault != nil {
		return found, fault
	}
	identify := provider.Identify
	if n.Former && provider.Former != nil {
		identify = provider.Former
	}
	found = Interpretation{Provider: provider, Body: body, Identity: identify(n, body), Schemas: provider.Name}
	mapping.SetWindow(n, &found.Identity)
	if provider.Configurable {
		found.Schemas = n.Source
	}
	found.Faults = paddingFaults(&found.Identity)
	if fault := normalise(&found.Identity); fault != nil {
		return found, fault
	}
	if found.Identity.Type == "" && !provider.OptionalType {
		return found, typeMissing(provider, n, body)
	}
	return found, nil
}

// isObject reports whether a body that is JSON is an object.
func isObject(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
}

// read makes a document of the body. Where the source has a mapping, a body that is no document is taken as it is.
func read(provider Provider, n *notification.Notification) (*notification.Document, *notification.Fault) {
	body, fault := notification.Read(n.ContentType, n.Body)
	if fault != nil && provider.Configurable && takenAsItIs(n) {
		return notification.Opaque(n.Body), nil
	}
	return body, fault
}

// takenAsItIs reports whether a body that is no document is meant to be none: XML, plain text, bytes, or JSON that is no
// object.
func takenAsItIs(n *notification.Notification) bool {
	kind, _, err := mime.ParseMediaType(n.ContentType)
	if err != nil {
		return false
	}
	switch {
	case len(n.Body) == 0:
		return false
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		// An object that was not read has a fault that other readers do not see.
		return !isObject(n.Body) && json.Valid(n.Body) && notification.Depth(n.Body) <= notification.MaxDepth
	}
	return kind != "application/x-www-form-urlencoded"
}

// typeMissing names the place where the type should be, so that the operator sees whether the sender or the mapping is wrong.
func typeMissing(provider Provider, n *notification.Notification, body *notification.Document) *notification.Fault {
	if provider.Configurable {
		return mapping.TypeMissing(mapping.Of(n).Type, body)
	}
	return mapping.TypeMissing(provider.TypeAt, body)
}
