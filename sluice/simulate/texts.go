package simulate

// unreadable stands for a text that GREEN-API could not read, tooLarge for the link to a file of more than 100 MB.
// Source: GREEN-API, errors SWE001 and SWE002.
const (
	unreadable = "{{SWE001}}"
	tooLarge   = "{{SWE002}}"
)

// text is a plain message. In WhatsApp a few can't be read at first.
func text(w *world, d *draft) bool {
	d.text = w.words()
	shown := d.text
	if w.account.Messenger == whatsApp && !d.mine && w.chance(0.02) {
		d.unread, shown = d.text, unreadable
	}
	d.data["textMessageData"] = fields{"textMessage": shown}
	return true
}

// extendedText is a text with a link, and what is shown of the page behind it.
func extendedText(w *world, d *draft) bool {
	d.text = "https://green-api.com/docs/?" + w.hex(8) + " " + w.words()
	d.data["extendedTextMessageData"] = w.forwarding(fields{
		"text": d.text, "description": "Green API docs show how you can develop the WhatsApp Bot", "title": "GREEN-API <docs>",
		"previewType": "None", "jpegThumbnail": w.thumbnail(),
	})
	return true
}

// quoted answers a message of the same chat, and shows it.
func quoted(w *world, d *draft) bool {
	of := w.find(d.in, anyMessage)
	if of == nil {
		return false
	}
	d.text = w.words()
	d.data["extendedTextMessageData"] = fields{"text": d.text, "stanzaId": of.id, "participant": of.sender}
	d.data["quotedMessage"] = quotation(of)
	return true
}

// quotation is how a message looks that another one quotes.
func quotation(of *message) fields {
	quote := fields{"stanzaId": of.id, "participant": of.sender, "typeMessage": of.kind}
	switch of.kind {
	case "textMessage", "extendedTextMessage", "quotedMessage":
		quote["typeMessage"], quote["textMessage"] = "textMessage", of.text
	case "imageMessage", "videoMessage", "documentMessage", "audioMessage", "stickerMessage":
		quote["downloadUrl"], quote["caption"], quote["jpegThumbnail"] = "", of.text, ""
	}
	return quote
}

// reaction is an emoji to a message of the same chat; an empty one takes it back.
func reaction(w *world, d *draft) bool {
	to := w.find(d.in, anyMessage)
	if to == nil {
		return false
	}
	d.fleeting = true
	d.data["extendedTextMessageData"] = fields{"text": one(w.random, []string{"👍", "❤️", "😂", "😮", "🙏", ""})}
	if w.account.Messenger != telegram || !d.mine { // There it comes without what it is for.
		d.data["quotedMessage"] = fields{"stanzaId": to.id, "participant": to.sender}
	}
	return true
}

// edited gives a message of the same author another text. It refers to the message by its id and has one of its own.
func edited(w *world, d *draft) bool {
	of := w.writtenBy(d, ofKind("textMessage", "extendedTextMessage", "quotedMessage"))
	if of == nil {
		return false
	}
	d.fleeting = true
	of.text = w.words()
	d.data["editedMessageData"] = fields{"textMessage": of.text, "stanzaId": of.id}
	return true
}

// deleted takes a message of the same author away, so that nothing refers to it any more.
func deleted(w *world, d *draft) bool {
	of := w.writtenBy(d, anyMessage)
	if of == nil {
		return false
	}
	d.fleeting = true
	d.data["deletedMessageData"] = fields{"stanzaId": of.id}
	d.in.forget(of.id)
	return true
}

func polls() []string { return []string{"Color", "Когда встречаемся?", "Lunch?"} }

func options() []string { return []string{"Red", "Green", "Blue"} }

// poll has the form of today, or now and then that of 2023.
func poll(w *world, d *draft) bool {
	d.text = one(w.random, polls())
	var choice []fields
	for _, option := range options() {
		choice = append(choice, fields{"optionName": option})
	}
	data := fields{"name": d.text, "options": choice}
	switch {
	case w.account.Messenger == maxMessenger:
		data["allowToChangeAnswer"] = false
	case w.account.Messenger == telegram:
		data["multipleAnswers"] = false
		w.forwarding(data)
	case w.chance(0.1):
		data["selectableOptionsCount"] = 0
		d.data["pollCreationMessage"] = data
		return true
	default:
		data["multipleAnswers"] = true
	}
	d.data["pollMessageData"] = data
	return true
}

// vote answers a poll. It has all options, and who chose them.
func vote(w *world, d *draft) bool {
	in := w.turnTo(d, ofKind("pollMessage"))
	if in == nil {
		return false
	}
	d.fleeting = true
	chosen := w.random.IntN(len(options()))
	var votes []fields
	for i, option := range options() {
		voters := []string{}
		if i == chosen {
			voters = append(voters, d.from.id)
		}
		votes = append(votes, fields{"optionName": option, "optionVoters": voters})
	}
	d.data["pollMessageData"] = fields{"stanzaId": in.id, "name": in.text, "votes": votes, "multipleAnswers": true}
	return true
}
