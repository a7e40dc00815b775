package provider

import (
	"maps"
	"slices"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source/chat"
)

// chatPlaces are where a notification of GREEN-API may name its chat. Known types have a place of their own.
var chatPlaces = [][]string{{"senderData", "chatId"}, {"chatId"}, {"from"}}

// chatOf returns the chat that a notification is about, "" when it names none. It looks at the type's own place first, then at
// the other usual ones, then one level below: new types put their chat there. Last comes the sender, who is the chat where
// there is only one other.
func chatOf(body *notification.Document, own ...string) string {
	for _, place := range append([][]string{own}, chatPlaces...) {
		if found := chat.Normal(body.Text(place...)); found != "" && len(place) > 0 {
			return found
		}
	}
	root := body.Root()
	for _, field := range []string{"chatId", "from"} {
		for _, name := range slices.Sorted(maps.Keys(root)) {
			if found := chat.Normal(body.Text(name, field)); found != "" {
				return found
			}
		}
	}
	return chat.Normal(firstOf(body.Text("senderData", "sender"), body.Text("senderData", "senderId")))
}
