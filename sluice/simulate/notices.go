package simulate

import (
	"fmt"
	"slices"
	"time"
)

// statusOf is the next status of a message that was sent; without one, a message is sent.
func (w *world) statusOf(at time.Time) document {
	if len(w.deliveries) == 0 {
		return w.messageOf(typeFromAPI, at)
	}
	// Messages overtake one another, the statuses of one do not.
	place := w.random.IntN(min(len(w.deliveries), busyDeliveries))
	of := &w.deliveries[place]
	d := w.document(typeStatus, at)
	d.ChatID, d.IDMessage, d.SendByAPI, d.Status = of.chat, of.id, of.byAPI, of.statuses[0]
	if d.Status == "failed" {
		d.Description = "text of the error"
	}
	if of.statuses = of.statuses[1:]; len(of.statuses) == 0 {
		w.deliveries = slices.Delete(w.deliveries, place, place+1)
	}
	return d
}

// call is one that goes on.
type call struct {
	chat, id string
	video    bool
	statuses []string // still to come
}

// callOf is the next of a call, which tells at most once that it rings, that it was answered and that it is over.
func (w *world) callOf(typ string, at time.Time) document {
	under := w.calls[typ]
	if len(under) == 0 || len(under) < maxCalls && w.chance(0.5) {
		under = append(under, w.newCall(typ))
	}
	place := w.random.IntN(len(under))
	of := under[place]
	d := w.document(typ, at)
	d.From, d.IDMessage, d.IsVideo, d.Status = of.chat, of.id, of.video, of.statuses[0]
	d.Duration, d.Participants = 0, []fields{}
	if d.Status == "hangUp" || d.Status == "hungUp" {
		d.Duration = w.between(1, 1800)
		d.Participants = []fields{{"wid": of.chat, "status": "pickUp"}}
	}
	if of.statuses = of.statuses[1:]; len(of.statuses) == 0 {
		under = slices.Delete(under, place, place+1)
	}
	w.calls[typ] = under
	return d
}

func (w *world) newCall(typ string) *call {
	courses := [][]string{{"offer", "pickUp", "hangUp"}, {"offer", "declined"}, {"offer", "hangUp"}}
	if typ == typeCallOut {
		courses = [][]string{{"pickUp", "hungUp"}, {"hungUp"}, {"invalid"}}
	}
	return &call{chat: one(w.random, w.chats).members[0].id, id: w.hex(32), video: w.chance(0.2), statuses: one(w.random, courses)}
}

// stateOf is a change of the account's state. It ends authorized, and nothing else happens until then.
func (w *world) stateOf(at time.Time) document {
	if len(w.states) == 0 {
		w.states = one(w.random, w.courses())
	}
	state := w.states[0]
	w.states = w.states[1:]
	switch state {
	case "authorized":
		w.account.WID = fmt.Sprintf("%d@c.us", w.self.phone)
	case "notAuthorized":
		w.account.WID = ""
	}
	d := w.document(typeState, at)
	d.StateInstance = state
	d.Timestamp = w.dateOnce(typeState+state, at)
	return d
}

// courses of states. Source: the states of each messenger in GREEN-API's documentation; yellowCard is called suspended
// now.
func (w *world) courses() [][]string {
	if w.account.Messenger == whatsApp {
		return [][]string{
			{"notAuthorized", "starting", "authorized"},
			{"starting", "authorized"},
			{"sleepMode", "authorized"},
			{"yellowCard", "authorized"},
			{"suspended", "authorized"},
			{"blocked", "notAuthorized", "authorized"},
		}
	}
	return [][]string{{"notAuthorized", "pendingPassword", "authorized"}, {"starting", "authorized"}, {"suspended", "authorized"}}
}

func (w *world) connectionOf(at time.Time) document {
	d := w.document(typeConnection, at)
	d.StatusInstance = one(w.random, []string{"online", "offline"})
	d.Timestamp = w.dateOnce(typeConnection+d.StatusInstance, at)
	return d
}

// deviceOf is about the account's phone or, under the same name, about the picture of a contact.
func (w *world) deviceOf(at time.Time) document {
	d := w.document(typeDevice, at)
	if w.chance(0.3) {
		d.AvatarInfo = fields{
			"chatId":    w.someChat().id,
			"urlAvatar": "https://pps.whatsapp.net/v/t61.24694-24/" + w.hex(12) + "_n.jpg",
		}
		return d
	}
	if w.battery--; w.battery < 1 {
		w.battery = 100
	}
	d.DeviceData = fields{
		"platform": "iphone", "deviceManufacturer": "Apple", "deviceModel": "iPhone 11", "osVersion": "13.4.1",
		"waVersion": "2.20.42", "battery": w.battery,
	}
	return d
}

// blockOf goes through the chats, because one can't block the account twice in a second.
func (w *world) blockOf(at time.Time) document {
	d := w.document(typeBlock, at)
	d.ChatID, d.ChatState = w.chats[w.blocks%len(w.chats)].id, "blocked"
	w.blocks++
	return d
}

// quotaOf has no time in WhatsApp. What is used goes up, because what looks the same within an hour is the same.
func (w *world) quotaOf(at time.Time) document {
	d := w.document(typeQuota, at)
	if w.account.Messenger == whatsApp {
		d.Timestamp = 0
	}
	w.quotas++
	d.QuotaData = fields{
		"method": "correspondents", "used": 2 + w.quotas, "total": 2 + w.quotas, "status": "CORRESPONDENTS_QUOTA_EXCEEDED",
		"description": "Monthly quota has been exceeded. You can only send or receive messages from following chats: " +
			w.someChat().id + ", " + w.someChat().id + ".",
	}
	return d
}

// lateOf is a message that could not be read at first, now with its text. Without one, a message comes.
func (w *world) lateOf(at time.Time) document {
	if len(w.unread) == 0 {
		return w.messageOf(typeIncoming, at)
	}
	of := w.unread[0]
	w.unread = w.unread[1:]
	d := w.document(typeIncoming, at)
	d.IDMessage = of.id
	d.SenderData = w.senderData(of.in, of.from)
	d.MessageData = fields{"typeMessage": "textMessage", "textMessageData": fields{"textMessage": of.text}}
	return d
}
