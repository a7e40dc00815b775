package source

import (
	"fmt"
	"strings"

	"sluice.internal/shared/notification"
)

// Understood is what a notification turned out to be.
type Understood struct {
	Provider Provider
	Body     *notification.Document
	Identity notification.Identity
	// Schemas names whose schemas count: the provider's, or the source's own where a source says how it is read.
	Schemas string
	// Ignored is what is wrong with a notification that is accepted all the same, because its source is observed.
	Ignored *notification.Fault
}

// Understand reads a notification as its provider, one of those given, means it. When it can't be read the fault says
// why, and of the result only Identity is of use, with what is known nevertheless. Whether the body is valid is not
// looked at. No notification makes it panic; it is safe for concurrent use.
func Understand(providers map[string]Provider, n *notification.Notification) (Understood, *notification.Fault) {
	found := Understood{Identity: notification.Identity{Type: n.Type, Instance: n.Instance}}
	provider, ok := providers[n.Provider]
	if !ok {
		return found, &notification.Fault{
			Message: fmt.Sprintf("comes from provider %q, which this worker does not know", n.Provider),
		}
	}
	found, fault := understand(provider, n)
	if fault != nil && n.Observe {
		return observed(provider, n, found.Identity, fault), nil
	}
	return found, fault
}

// observed takes a notification as it is that could not be understood. Its bytes are all that tells it from others.
func observed(provider Provider, n *notification.Notification, known notification.Identity, fault *notification.Fault) Understood {
	body := notification.Opaque(n.Body)
	identity := notification.Identity{Type: known.Type, Instance: known.Instance}
	identity.Key = notification.Key(n.Source, identity.Instance, identity.Type, body.Fingerprint())
	return Understood{Provider: provider, Body: body, Identity: identity, Schemas: provider.Name, Ignored: fault}
}

func understand(provider Provider, n *notification.Notification) (Understood, *notification.Fault) {
	found := Understood{Identity: notification.Identity{Type: n.Type, Instance: n.Instance}}
	if n.ContentEncoding != "" {
		return found, &notification.Fault{
			Message: fmt.Sprintf("has the content encoding %q, which could not be undone", n.ContentEncoding),
		}
	}
	body, fault := read(provider, n)
	if fault != nil {
		return found, fault
	}
	found = Understood{Provider: provider, Body: body, Identity: provider.Identify(n, body), Schemas: provider.Name}
	if provider.Configurable {
		found.Schemas = n.Source
	}
	if found.Identity.Type == "" {
		return found, typeMissing(provider, n, body)
	}
	return found, nil
}

// read makes a document of the body. Where a source says how it is read, a body that is none is taken as it is.
func read(provider Provider, n *notification.Notification) (*notification.Document, *notification.Fault) {
	body, fault := notification.Read(n.ContentType, n.Body)
	if fault != nil && provider.Configurable && takenAsItIs(n) {
		return notification.Opaque(n.Body), nil
	}
	return body, fault
}

func typeMissing(provider Provider, n *notification.Notification, body *notification.Document) *notification.Fault {
	at := provider.TypeAt
	if provider.Configurable {
		at = readingOf(n).Type
	}
	if name, ok := strings.CutPrefix(at, placeHeader); ok {
		return &notification.Fault{Message: fmt.Sprintf("comes without the header %s, which names its type", name)}
	}
	fault := &notification.Fault{Pointer: pointerOf(at), Message: "is missing"}
	if _, there := body.Pointer(fault.Pointer); there {
		fault.Message = "must be a string that is not empty"
	}
	return fault
}
