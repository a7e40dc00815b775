package erasure

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
)

// Target says what is to be erased: everything that one of the ids names.
type Target struct {
	// Chats are ids of persons and groups, as they stand in notifications, such as 79001234567@c.us. What belongs to such a
	// chat is erased, and what names it elsewhere, as a message of that person in a group does.
	Chats []string
	// Instances are accounts of senders.
	Instances []string
	// Keys are identities of single events.
	Keys []string
	// Source leaves out what other sources sent; empty means all.
	Source string
}

// maxID is the length of the longest id, in bytes: longer ones are cut in what is stored.
const maxID = 1 << 10

// Check returns what can't be meant, nil when there is something to look for.
func (t Target) Check() error {
	ids := t.ids()
	if len(ids) == 0 {
		return errors.New("there is no id to look for")
	}
	for _, id := range ids {
		switch {
		case strings.TrimSpace(id) != id || id == "" || strings.ContainsFunc(id, unicode.IsControl):
			return fmt.Errorf("id %q is empty, or has white space around it or controls in it", id)
		case len(id) > maxID:
			return fmt.Errorf("an id has %d bytes; none is longer than %d", len(id), maxID)
		}
	}
	// Short ones would be found in what has nothing to do with them.
	for _, chat := range t.Chats {
		if len(chat) < minChat {
			return fmt.Errorf("chat %q is too short to be told from other numbers; an id has %d characters or more", chat, minChat)
		}
	}
	return nil
}

// minChat is the length of the shortest id of a chat. Telegram has ids of five digits.
const minChat = 5

// ids are all ids, of whatever kind.
func (t Target) ids() []string {
	ids := make([]string, 0, len(t.Chats)+len(t.Instances)+len(t.Keys))
	return append(append(append(ids, t.Chats...), t.Instances...), t.Keys...)
}

// Interpret returns what a notification is: nothing where that can't be read from it, and several where it is divided.
// source.Parts and source.Interpret know.
type Interpret func(n *notification.Notification) []notification.Identity

// Client erases. It is safe for concurrent use.
type Client struct {
	streams   *admin.Client
	interpret Interpret
}

// New returns a client that uses an operator's one.
func New(streams *admin.Client, interpret Interpret) *Client {
	return &Client{streams: streams, interpret: interpret}
}
