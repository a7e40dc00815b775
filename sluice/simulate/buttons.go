package simulate

import "fmt"

// byProgram reports whether a message with buttons can have come this way: nobody makes one on a phone.
func byProgram(d *draft) bool { return d.typ != typeFromPhone }

// buttons, list, template and interactive are what a program sends for people to press. Source of the fields: GREEN-API's
// documentation of each typeMessage.
func buttons(w *world, d *draft) bool {
	var of []fields
	for i, colour := range options() {
		of = append(of, fields{"buttonId": fmt.Sprint(i + 1), "buttonText": colour})
	}
	d.data["buttonsMessage"] = w.forwarding(fields{"contentText": w.words(), "footer": "Hello", "buttons": of})
	return byProgram(d)
}

func list(w *world, d *draft) bool {
	var sections []fields
	for i := range 2 {
		sections = append(sections, fields{"title": fmt.Sprintf("Section %d", i+1), "rows": []fields{
			{"title": fmt.Sprintf("Option %d", 2*i+1), "rowId": fmt.Sprintf("option%d", 2*i+1)},
			{"title": fmt.Sprintf("Option %d", 2*i+2), "rowId": fmt.Sprintf("option%d", 2*i+2), "description": "Clarification"},
		}})
	}
	d.data["listMessage"] = w.forwarding(fields{
		"contentText": w.words(), "title": "title", "footer": "Hello", "buttonText": "Action list", "sections": sections,
	})
	return byProgram(d)
}

func template(w *world, d *draft) bool {
	d.data["templateMessage"] = w.forwarding(fields{
		"contentText": w.words(), "footer": "Hello", "buttons": []fields{
			{"index": 1, "urlButton": fields{"displayText": "⭐ Star us on GitHub!", "url": "https://github.com/green-api/docs"}},
			{"index": 2, "callButton": fields{"displayText": "Call us", "phoneNumber": "+1 (234) 5678-901"}},
			{"index": 3, "quickReplyButton": fields{"displayText": "Hello", "id": "plainButtonId"}},
		},
	})
	return byProgram(d)
}

func interactive(w *world, d *draft) bool {
	d.data["interactiveButtons"] = fields{
		"titleText": "Header text", "contentText": w.words(), "footerText": "Footer text", "buttons": []fields{
			{"type": "reply", "buttonId": "1", "buttonText": "First Button"},
			{"type": "url", "buttonId": "2", "buttonText": "Second Button", "url": "https://green-api.com"},
			{"type": "copy", "buttonId": "3", "buttonText": "Third Button", "copyCode": "3333"},
		},
	}
	return byProgram(d)
}

// answered finds the account's message with buttons that a person answers, in any chat.
func answered(w *world, d *draft, kind string) *message {
	return w.turnTo(d, func(m message) bool { return m.mine && m.kind == kind })
}

// pressed, listed, replied, interacted and tapped are the answers of people to them; each needs a message that it answers.
func pressed(w *world, d *draft) bool {
	to := answered(w, d, "buttonsMessage")
	if to == nil {
		return false
	}
	number := w.random.IntN(len(options()))
	d.data["buttonsResponseMessage"] = fields{
		"stanzaId": to.id, "selectedButtonId": fmt.Sprint(number + 1), "selectedButtonText": options()[number],
	}
	return true
}

func listed(w *world, d *draft) bool {
	to := answered(w, d, "listMessage")
	if to == nil {
		return false
	}
	number := w.between(1, 5)
	d.data["listResponseMessage"] = fields{
		"stanzaId": to.id, "title": fmt.Sprintf("Option %d", number), "listType": 1, "singleSelectReply": fmt.Sprintf("option%d", number),
	}
	return true
}

// replied is the answer to a template. The type has two names in GREEN-API's documentation, the field one.
func replied(w *world, d *draft) bool {
	to := answered(w, d, "templateMessage")
	if to == nil {
		return false
	}
	d.data["templateButtonReplyMessage"] = fields{
		"stanzaId": to.id, "selectedIndex": 3, "selectedId": "plainButtonId", "selectedDisplayText": "Hello",
	}
	return true
}

func interacted(w *world, d *draft) bool {
	to := answered(w, d, "interactiveButtons")
	if to == nil {
		return false
	}
	d.data["interactiveButtonsReply"] = fields{
		"titleText": "Header text", "contentText": to.text, "footerText": "Footer text",
		"buttons": []fields{{"type": "reply", "buttonId": "1", "buttonText": "First Button"}},
	}
	return true
}

func tapped(w *world, d *draft) bool {
	to := answered(w, d, "interactiveButtons")
	if to == nil {
		return false
	}
	d.data["interactiveButtonsResponse"] = fields{
		"stanzaId": to.id, "selectedIndex": 0, "selectedId": "1", "selectedDisplayText": "First Button",
	}
	return true
}
