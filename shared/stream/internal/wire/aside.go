package wire

import (
	"strconv"

	"sluice.internal/shared/notification"
)

// AsideSubject is where it stands which chats of a partition of a group are aside.
func AsideSubject(group, partition string) string { return "position.aside." + group + "." + partition }

// AsidesOf are the subjects of all that is aside in a group.
func AsidesOf(group string) string { return "position.aside." + group + ".>" }

// EventsOfInstance is what the events of a lane match that are of the same source and instance as one of them.
func EventsOfInstance(event *notification.Event) string {
	return "events." + strconv.Itoa(event.Lane) + "." + Token(event.Source) + ".*." + Token(event.Instance)
}
