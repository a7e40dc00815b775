package simulate

import "time"

// Types of notifications, and one that is a second form of the first.
const (
	typeIncoming   = "incomingMessageReceived"
	typeFromPhone  = "outgoingMessageReceived"
	typeFromAPI    = "outgoingAPIMessageReceived"
	typeStatus     = "outgoingMessageStatus"
	typeState      = "stateInstanceChanged"
	typeConnection = "statusInstanceChanged"
	typeDevice     = "deviceInfo"
	typeBlock      = "incomingBlock"
	typeCallIn     = "incomingCall"
	typeCallOut    = "outgoingCall"
	typeQuota      = "quotaExceeded"

	lateText = "late text" // of a message that could not be read at first
)

// share is how often something happens, in no particular unit, in each messenger. 0 is for what it does not have.
type share struct {
	name                         string
	whatsApp, maxShare, telegram int
	make                         builder // of message types only
}

func (s share) in(m messenger) int {
	switch m {
	case maxMessenger:
		return s.maxShare
	case telegram:
		return s.telegram
	case whatsApp:
		return s.whatsApp
	}
	return 0
}

// webhooks is how often each type comes. Of a message that was sent, two or three statuses follow, so statuses are the
// most frequent of all; people receive more than they send; programs send more than phones do. What concerns the
// account or is a call is rare, and yet frequent enough for a run of a few thousand to have all of it. MAX and
// Telegram have six types. Source: facts of GREEN-API's documentation about which type is in which messenger.
func webhooks() []share {
	return []share{
		{typeStatus, 420, 380, 380, nil},
		{typeIncoming, 360, 400, 400, nil},
		{typeFromAPI, 120, 140, 140, nil},
		{typeFromPhone, 55, 60, 60, nil},
		{typeCallIn, 14, 0, 0, nil},
		{typeCallOut, 8, 0, 0, nil},
		{typeState, 4, 4, 4, nil},
		{typeQuota, 3, 3, 3, nil},
		{typeDevice, 4, 0, 0, nil},
		{typeConnection, 3, 0, 0, nil},
		{typeBlock, 3, 0, 0, nil},
		{lateText, 5, 0, 0, nil},
	}
}

// messages is how often each typeMessage comes. Nearly half are plain text; pictures, voice and reactions are what
// people send besides; one in thirty is edited and one in fifty deleted. What has buttons is sent by programs, and
// answered by people. The rest is rare, and yet frequent enough for a run of a few thousand to have all of it.
func messages() []share {
	return []share{
		{"textMessage", 430, 520, 480, text},
		{"extendedTextMessage", 100, 60, 60, extendedText},
		{"quotedMessage", 90, 60, 0, quoted},
		{"reactionMessage", 70, 70, 70, reaction},
		{"imageMessage", 80, 90, 90, image},
		{"audioMessage", 50, 50, 50, audio},
		{"videoMessage", 20, 20, 20, video},
		{"documentMessage", 25, 20, 20, paper},
		{"stickerMessage", 25, 0, 40, sticker},
		{"editedMessage", 30, 30, 30, edited},
		{"deletedMessage", 20, 20, 20, deleted},
		{"locationMessage", 8, 0, 8, location},
		{"contactMessage", 8, 0, 8, contact},
		{"contactsArrayMessage", 4, 0, 0, contacts},
		{"pollMessage", 8, 8, 8, poll},
		{"pollUpdateMessage", 12, 0, 0, vote},
		{"groupInviteMessage", 4, 0, 0, invitation},
		{"buttonsMessage", 6, 0, 0, buttons},
		{"listMessage", 6, 0, 0, list},
		{"templateMessage", 6, 0, 0, template},
		{"interactiveButtons", 6, 0, 0, interactive},
		{"buttonsResponseMessage", 6, 0, 0, pressed},
		{"listResponseMessage", 6, 0, 0, listed},
		{"templateButtonReplyMessage", 5, 0, 0, replied},
		{"templateButtonsReplyMessage", 5, 0, 0, replied},
		{"interactiveButtonsReply", 6, 0, 0, interacted},
		{"interactiveButtonsResponse", 6, 0, 0, tapped},
		{"orderMessage", 5, 0, 0, order},
		{"productMessage", 5, 0, 0, product},
	}
}

// pick draws one of the shares.
func (w *world) pick(shares []share) share {
	whole := 0
	for _, s := range shares {
		whole += s.in(w.account.Messenger)
	}
	drawn := w.random.IntN(whole)
	for _, s := range shares {
		if drawn -= s.in(w.account.Messenger); drawn < 0 {
			return s
		}
	}
	panic("a number below a sum is in one of its parts")
}

// webhook makes a document of the type, or of another one when there is nothing that it could be about.
func (w *world) webhook(typ string, at time.Time) document {
	switch typ {
	case typeStatus:
		return w.statusOf(at)
	case typeCallIn, typeCallOut:
		return w.callOf(typ, at)
	case typeState:
		return w.stateOf(at)
	case typeConnection:
		return w.connectionOf(at)
	case typeDevice:
		return w.deviceOf(at)
	case typeBlock:
		return w.blockOf(at)
	case typeQuota:
		return w.quotaOf(at)
	case lateText:
		return w.lateOf(at)
	default:
		return w.messageOf(typ, at)
	}
}
