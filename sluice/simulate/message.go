package simulate

import (
	"encoding/base64"
	"strings"
	"time"
)

// draft is a message on its way to being written.
type draft struct {
	typ  string
	in   *chat
	from person
	mine bool // the account writes
	data fields
	text string // to be quoted and edited
	// unread is the text when it can't be read yet.
	unread string
	// fleeting is what can't be referred to and has no statuses: it changes another message.
	fleeting bool
}

// builder writes the data of a message. It is false when there is nothing that such a message could refer to, or
// nobody writes it this way.
type builder func(w *world, d *draft) bool

// messageOf is a message of the type.
func (w *world) messageOf(typ string, at time.Time) document {
	d := w.draft(typ)
	kind := w.pick(w.messages)
	d.data["typeMessage"] = kind.name
	if !kind.make(w, d) {
		kind.name = "textMessage"
		d.data = fields{"typeMessage": kind.name}
		text(w, d)
	}
	byAPI := typ == typeFromAPI
	id := w.newID(byAPI)
	if d.unread != "" {
		w.unread = append(w.unread, late{in: d.in, from: d.from, id: id, text: d.unread})
	}
	if !d.fleeting {
		d.in.remember(message{id: id, sender: d.from.id, kind: kind.name, text: d.text, mine: d.mine})
	}
	if d.mine && !d.fleeting {
		w.sent(d.in, id, byAPI)
	}
	out := w.document(typ, at)
	out.IDMessage, out.SenderData, out.MessageData = id, w.senderData(d.in, d.from), d.data
	return out
}

func (w *world) draft(typ string) *draft {
	in, mine := w.someChat(), typ != typeIncoming
	return &draft{typ: typ, in: in, mine: mine, from: w.author(in, mine), data: fields{}}
}

// writtenBy finds a message by the same side, and makes its author that of the draft.
func (w *world) writtenBy(d *draft, fits func(message) bool) *message {
	found := w.find(d.in, func(m message) bool { return m.mine == d.mine && fits(m) })
	if found == nil || d.mine {
		return found
	}
	for _, member := range d.in.members {
		if member.id == found.sender {
			d.from = member
		}
	}
	return found
}

// turnTo finds what somebody else answers, in whichever chat it is, and makes that the draft's. It is nil for the
// account's own drafts, and when there is none.
func (w *world) turnTo(d *draft, fits func(message) bool) *message {
	if d.mine {
		return nil
	}
	begin := w.random.IntN(len(w.chats))
	for i := range w.chats {
		in := w.chats[(begin+i)%len(w.chats)]
		if found := w.find(in, fits); found != nil {
			d.in, d.from = in, w.author(in, false)
			return found
		}
	}
	return nil
}

func anyMessage(message) bool { return true }

func ofKind(kinds ...string) func(message) bool {
	return func(m message) bool {
		for _, kind := range kinds {
			if m.kind == kind {
				return true
			}
		}
		return false
	}
}

func phrases() []string {
	return []string{
		"I use Green-API to send this message to you!", "Привет от Green-API!", "Hello", "Это", "ok", "👍🏽", "Спасибо, получил",
		"When will my order be delivered?", "¿Cuándo llega mi pedido?", "明天见", "<b>not HTML</b> & \"quotes\" \\ backslash",
		"line one\nline two\n\tindented", "שלום", "Завтра в 15:00, адрес тот же", "https://green-api.com/docs?a=1&b=2#c",
		"The invoice is attached.", "Нет", "e\u0301 and é are not the same bytes", "🧑‍🚀🚀", "7 900 123-45-69",
	}
}

// words makes a text: mostly short, now and then long.
func (w *world) words() string {
	count := int(w.between(1, 4))
	if w.chance(0.02) {
		count = int(w.between(30, 120))
	}
	parts := make([]string, count)
	for i := range parts {
		parts[i] = one(w.random, phrases())
	}
	return strings.Join(parts, " ")
}

// thumbnail is as large as those of small pictures, in base64, and none of them.
func (w *world) thumbnail() string {
	if w.chance(0.3) {
		return ""
	}
	picture := make([]byte, w.between(300, 2500))
	for i := range picture {
		picture[i] = byte(w.random.Uint32()) //nolint:gosec // Any byte will do.
	}
	return "/9j/4AAQSkZJRgABAQAAAQABAAD/" + base64.StdEncoding.EncodeToString(picture)
}

// forwarding adds whether a message was forwarded.
func (w *world) forwarding(to fields) fields {
	to["forwardingScore"], to["isForwarded"] = 0, false
	if w.chance(0.05) {
		to["forwardingScore"], to["isForwarded"] = w.between(1, 6), true
	}
	return to
}
