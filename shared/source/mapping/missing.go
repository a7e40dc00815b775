package mapping

import (
	"fmt"
	"strings"

	"sluice.internal/shared/notification"
)

// TypeMissing says that a notification has no type at the place, or at any of several, where the type belongs.
func TypeMissing(at string, body *notification.Document) *notification.Fault {
	if strings.Contains(at, " "+or+" ") && !strings.HasPrefix(at, placeConstant) {
		return &notification.Fault{Message: fmt.Sprintf("has nothing at any of the places that may have its type, %s", at)}
	}
	if names, ok := strings.CutPrefix(at, placeKey); ok {
		return &notification.Fault{Message: fmt.Sprintf("has no member that names its type, %s", names)}
	}
	if name, ok := strings.CutPrefix(at, placeHeader); ok {
		return &notification.Fault{Message: fmt.Sprintf("comes without the header %s, which names its type", name)}
	}
	if name, ok := strings.CutPrefix(at, placeQuery); ok {
		return &notification.Fault{Message: fmt.Sprintf("comes without the parameter %q in its URL, which names its type", name)}
	}
	if at == placeRoot {
		return &notification.Fault{Message: "has no single outermost element, which names its type"}
	}
	fault := &notification.Fault{Pointer: pointerOf(at), Message: "is missing"}
	if _, there := body.Pointer(fault.Pointer); there {
		fault.Message = "must be a string that is not empty"
	}
	return fault
}
