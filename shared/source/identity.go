package source

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"sluice.internal/shared/notification"
)

// MaxIdentity is how long a type or an instance may be, in bytes. Real ones stay below a hundred.
const MaxIdentity = 256

// normalise makes an identity one that every reader spells the same, or says why it can't be one.
//
// The type chooses the schema and the handler, the instance the sender: were "incomingCall " validated under one name
// and handled under another, its schema would be passed by. So white space around them is taken off before anybody sees
// it, and a spelling that somebody on the way would replace or cut is a fault. Order key and object only tell things apart. They may be what people wrote, a name with a space
// behind it for example, so one that does not travel as it is gives way to its digest, which tells apart just as well.
func normalise(identity *notification.Identity) *notification.Fault {
	identity.Type, identity.Instance = strings.TrimSpace(identity.Type), strings.TrimSpace(identity.Instance)
	if fault := spellingFault("type", identity.Type); fault != nil {
		return fault
	}
	if fault := spellingFault("instance", identity.Instance); fault != nil {
		return fault
	}
	identity.OrderKey = travelling(identity.OrderKey)
	identity.Object = travelling(identity.Object)
	return nil
}

// paddingFaults names the type and the instance where they have white space around them.
func paddingFaults(identity *notification.Identity) (faults []notification.Fault) {
	for _, part := range [][2]string{{"type", identity.Type}, {"instance", identity.Instance}} {
		if text := part[1]; strings.TrimSpace(text) != text && len(text) <= MaxIdentity {
			faults = append(faults, notification.Fault{Message: fmt.Sprintf("has the %s %q, with white space around it", part[0], text)})
		}
	}
	return faults
}

// spellingFault says what is wrong with a type or an instance, nil when nothing is. An empty text is fine here.
func spellingFault(part, text string) *notification.Fault {
	flaw := flawOf(text)
	if flaw == "" && strings.ContainsRune(text, utf8.RuneError) { // Two of these may have been different as they were sent.
		flaw = "in which something is no character"
	}
	if flaw == "" {
		return nil
	}
	if len(text) > MaxIdentity {
		return &notification.Fault{Message: fmt.Sprintf("has %s %s of %d bytes, at most %d are taken",
			articleOf(part), part, len(text), MaxIdentity)}
	}
	return &notification.Fault{Message: fmt.Sprintf("has the %s %q, %s", part, text, flaw)}
}

// articleOf returns the article of the name of a part.
func articleOf(part string) string {
	if part == "instance" {
		return "an"
	}
	return "a"
}

// flawOf says why a text does not reach every reader as it is written, "" when it does.
func flawOf(text string) string {
	switch {
	case len(text) > MaxIdentity:
		return "which is too long"
	case !utf8.ValidString(text):
		return "which is not valid UTF-8"
	case strings.ContainsFunc(text, unicode.IsControl): // C0, DEL and C1.
		return "which has a control character"
	case strings.TrimSpace(text) != text: // White space as Unicode defines it.
		return "which has white space around it"
	default:
		return ""
	}
}

// travelling returns the text, or its digest where it would not travel as it is. Equal texts stay equal, different ones
// different.
func travelling(text string) string {
	if flawOf(text) == "" {
		return text
	}
	return notification.Key(text)
}
