package simulate

import (
	"fmt"
	"strings"
)

// image and the other files have a link to where GREEN-API keeps them, a name and a type.
func image(w *world, d *draft) bool {
	data := w.file("jpg", "image/jpeg")
	if w.account.Messenger == maxMessenger {
		data = w.file("webp", "image/webp")
		data["isAnimated"] = w.chance(0.1)
	}
	return captioned(w, d, data)
}

func video(w *world, d *draft) bool { return captioned(w, d, w.file("mp4", "video/mp4")) }

func paper(w *world, d *draft) bool {
	data := w.file("pdf", "application/pdf")
	if w.chance(0.02) {
		data["downloadUrl"] = tooLarge
	}
	return captioned(w, d, data)
}

func audio(w *world, d *draft) bool {
	data := w.file("oga", "audio/ogg; codecs=opus")
	delete(data, "jpegThumbnail")
	d.data["fileMessageData"] = data
	return true
}

func sticker(w *world, d *draft) bool {
	data := w.file("webp", "image/webp")
	data["isAnimated"] = w.chance(0.5)
	d.data["fileMessageData"] = data
	return true
}

// captioned adds a caption, and now and then a message that is quoted.
func captioned(w *world, d *draft, data fields) bool {
	if w.chance(0.4) {
		d.text = w.words()
	}
	data["caption"] = d.text
	d.data["fileMessageData"] = data
	if of := w.find(d.in, anyMessage); of != nil && w.account.Messenger == whatsApp && w.chance(0.1) {
		d.data["quotedMessage"] = quotation(of)
	}
	return true
}

// file is what all files have.
func (w *world) file(extension, mime string) fields {
	digits := strings.ToLower(w.hex(32))
	name := fmt.Sprintf("%s-%s-%s-%s-%s.%s", digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:], extension)
	id := fmt.Sprint(w.account.ID)
	return w.forwarding(fields{
		"downloadUrl": "https://sw-media-" + id[:4] + ".storage.yandexcloud.net/" + id + "/" + name,
		"caption":     "", "fileName": name, "jpegThumbnail": w.thumbnail(), "mimeType": mime,
	})
}

// order and product are from a shop's catalogue, with the picture of what is in them. They came with GREEN-API's release
// 5.44.37.12, which no page of its documentation describes further.
func order(w *world, d *draft) bool {
	d.data["orderMessage"] = fields{
		"orderId": w.hex(16), "itemCount": w.between(1, 5), "fileMessageData": w.file("jpg", "image/jpeg"),
	}
	return true
}

func product(w *world, d *draft) bool {
	d.data["productMessage"] = fields{
		"productId": w.hex(16), "title": w.words(), "fileMessageData": w.file("jpg", "image/jpeg"),
	}
	return true
}

// location, contact and contacts are messages without a file.
func location(w *world, d *draft) bool {
	d.data["locationMessageData"] = w.forwarding(fields{
		"nameLocation": "Green", "address": "Санкт-Петербург, Невский пр., 1", "jpegThumbnail": w.thumbnail(),
		"latitude": w.random.Float64()*180 - 90, "longitude": w.random.Float64()*360 - 180,
	})
	return true
}

func contact(w *world, d *draft) bool {
	d.data["contactMessageData"] = w.forwarding(card(w.newPerson()))
	return true
}

func contacts(w *world, d *draft) bool {
	d.data["contacts"] = []fields{card(w.newPerson()), card(w.newPerson())}
	w.forwarding(d.data)
	return true
}

// card is somebody's visiting card.
func card(of person) fields {
	return fields{
		"displayName": of.name,
		"vcard": fmt.Sprintf("BEGIN:VCARD\nVERSION:3.0\nN:;%s;;;\nFN:%s\nitem1.TEL;waid=%d:+%d\nitem1.X-ABLabel:Mobile\nEND:VCARD",
			of.name, of.name, of.phone, of.phone),
	}
}

func invitation(w *world, d *draft) bool {
	d.data["groupInviteMessageData"] = fields{
		"groupJid": fmt.Sprintf("%d@g.us", w.between(120_363_000_000_000_000, 120_363_999_999_999_999)), "inviteCode": w.hex(16),
		"inviteExpiration": "0", "groupName": one(w.random, groupNames()), "caption": "Invitation to my WhatsApp group",
		"name": d.from.name, "jpegThumbnail": w.thumbnail(),
	}
	return true
}
