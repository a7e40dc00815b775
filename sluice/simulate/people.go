package simulate

import (
	"fmt"
	"strconv"
)

// person is somebody in a messenger.
type person struct {
	id, name, contact string
	phone             int64
	hidden            bool // the phone number is
}

// chat is a conversation of the account.
type chat struct {
	id, name string
	group    bool
	members  []person
	messages []message
}

// message is what is remembered of one.
type message struct {
	id, sender string
	kind       string // typeMessage
	text       string
	mine       bool // the account wrote it
}

func names() []string {
	return []string{
		"Green API", "Vasilisa the Wise", "Ходабрыш Пробешёлов", "Иван Петров", "María José Núñez", "김민준", "Ольга ✨",
		"محمد", "O'Neill & Sons", "Anna", "Сергей", "Shop \"Next Door\"", "李小龙", "Ærøskøbing Kro", "Татьяна Ивановна", "J.",
	}
}

func groupNames() []string {
	return []string{"Makhlovka, drawing 4-6", "Родительский чат 5Б", "Orders 🚚", "Дача", "team <all>", "Support 24/7"}
}

// newPerson makes somebody of the account's messenger.
func (w *world) newPerson() person {
	p := person{name: one(w.random, names()), phone: w.between(79_000_000_000, 79_999_999_999)}
	if w.chance(0.6) {
		p.contact = one(w.random, names())
	}
	switch {
	case w.account.Messenger != whatsApp:
		p.id = strconv.FormatInt(w.between(10_000_000, 9_999_999_999), 10)
		p.hidden = w.chance(0.3)
	case w.chance(0.08): // enableLidMode hides the number
		p.id = strconv.FormatInt(w.between(100_000_000_000_000, 300_000_000_000_000), 10) + "@lid"
	default:
		p.id = strconv.FormatInt(p.phone, 10) + "@c.us"
	}
	return p
}

// newChat makes a conversation: one in four is a group.
func (w *world) newChat() *chat {
	if w.chance(0.75) {
		other := w.newPerson()
		return &chat{id: other.id, name: other.name, members: []person{other}}
	}
	c := &chat{group: true, name: one(w.random, groupNames())}
	c.id = "-" + strconv.FormatInt(w.between(10_000_000_000_000, 99_999_999_999_999), 10)
	if w.account.Messenger == whatsApp {
		c.id = fmt.Sprintf("%d@g.us", w.between(120_363_000_000_000_000, 120_363_999_999_999_999))
	}
	for range w.between(3, 12) {
		c.members = append(c.members, w.newPerson())
	}
	return c
}

// remember keeps a message for others to refer to.
func (c *chat) remember(m message) {
	if len(c.messages) == rememberedMessages {
		copy(c.messages, c.messages[1:])
		c.messages = c.messages[:rememberedMessages-1]
	}
	c.messages = append(c.messages, m)
}

// find returns a remembered message that fits, nil without one. It begins at a random one, so that not always the
// same is found.
func (w *world) find(in *chat, fits func(message) bool) *message {
	if len(in.messages) == 0 {
		return nil
	}
	begin := w.random.IntN(len(in.messages))
	for i := range in.messages {
		if m := &in.messages[(begin+i)%len(in.messages)]; fits(*m) {
			return m
		}
	}
	return nil
}

// forget removes a message that was deleted.
func (c *chat) forget(id string) {
	for i := range c.messages {
		if c.messages[i].id == id {
			c.messages = append(c.messages[:i], c.messages[i+1:]...)
			return
		}
	}
}

// author returns who writes: the account itself, or one of the others.
func (w *world) author(in *chat, mine bool) person {
	if mine {
		return w.self
	}
	return one(w.random, in.members)
}

// senderData is the envelope of a message.
func (w *world) senderData(in *chat, from person) *senderData {
	s := &senderData{
		ChatID: in.id, ChatName: in.name, Sender: from.id, SenderName: from.name, ContactName: from.contact,
	}
	if w.account.Messenger == whatsApp {
		return s
	}
	s.Phone = from.phone
	if from.hidden {
		s.Phone = 0
	}
	if w.account.Messenger == telegram {
		s.ChatType, s.SenderType = "user", "user"
		if in.group {
			s.ChatType = "supergroup"
		}
	}
	return s
}
