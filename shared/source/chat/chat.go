// Package chat has how chats are spelled: one chat of WhatsApp is written in several ways, and is one chat all the same. The
// events of a chat stay in order under its normal spelling, and a chat that somebody names is looked for under all of them.
package chat

import (
	"strings"
	"unicode"

	"sluice.internal/shared/notification"
)

const (
	// personal is the domain of a chat with one person, phoneDomain what other programs of WhatsApp call it.
	personal    = "c.us"
	phoneDomain = "s.whatsapp.net"
	// hidden is the domain of chats whose phone number WhatsApp does not tell. Which number has such an id can't be known.
	hidden = "lid"
)

// Normal returns the spelling of a chat under which its events stay in order. One chat of WhatsApp is written
// 71234567890@c.us, 71234567890@s.whatsapp.net or, for one of its devices, 71234567890:3@c.us; some services write the number
// as people do, with a plus sign, spaces and hyphens. Chats of MAX and Telegram are numbers, negative for groups. White space
// and case tell no chats apart.
//
// Source: public reports green-api/issues#187, #66 and docs#22.
func Normal(text string) string {
	text = strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.IsControl(r) { // Cf are marks such as those around a number.
			return -1
		}
		return r
	}, text))
	user, domain, addressed := strings.Cut(text, "@")
	if !addressed || user == "" {
		return bareNumber(text)
	}
	switch domain {
	case personal, phoneDomain:
		return phoneNumber(withoutDevice(user)) + "@" + personal
	case hidden:
		return withoutDevice(user) + "@" + hidden
	default:
		return text
	}
}

// minPhone is how many digits a telephone number has, with that of its country.
const minPhone = 7

// Spellings returns the spellings under which a chat has to be looked for that somebody names in one of them: what
// Normal makes of it, and beside that what else senders write. A telephone number as people write it, with or without a
// plus sign, is the chat of WhatsApp with that number as well.
func Spellings(text string) []string {
	chat := Normal(text)
	user, domain, _ := strings.Cut(chat, "@")
	number := phoneNumber(user)
	switch {
	case !isDigits(number) || len(number) < minPhone || strings.HasPrefix(user, "-"): // Groups of Telegram are negative.
		return withText(chat, text)
	case domain == personal:
		return []string{chat, "+" + number}
	case domain == "": // A chat of Telegram or MAX may have this number too.
		spellings := []string{number + "@" + personal, "+" + number, number}
		if chat != number { // Such as an id of something else that has hyphens.
			spellings = append(spellings, chat)
		}
		return spellings
	default:
		return withText(chat, text)
	}
}

// withText returns a spelling, and the one that was given if it is another.
func withText(chat, text string) []string {
	if chat == text {
		return []string{chat}
	}
	return []string{chat, text}
}

// withoutDevice takes off which device of an account was meant, as in 71234567890:3 and 71234567890.0:3.
func withoutDevice(user string) string {
	account, device, found := strings.Cut(user, ":")
	if !found || !isDigits(device) {
		return user
	}
	if number, agent, found := strings.Cut(account, "."); found && isDigits(agent) {
		return number
	}
	return account
}

// phonePunctuation is what people write between the digits of a phone number.
const phonePunctuation = "+-()."

// phoneNumber returns a phone number in digits alone. What is none is returned as it is.
func phoneNumber(text string) string {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(phonePunctuation, r) {
			return -1
		}
		return r
	}, text)
	if !isDigits(digits) {
		return text
	}
	return digits
}

// bareNumber returns a phone number that begins as one, or the id of a chat that a number was made of, in digits alone. What is
// neither is returned as it is.
func bareNumber(text string) string {
	if strings.HasPrefix(text, "+") {
		text = phoneNumber(text)
	}
	unsigned := strings.TrimPrefix(text, "-")
	if before, behind, _ := strings.Cut(unsigned, "."); isDigits(before) && strings.Trim(behind, "0") == "" {
		return notification.WholeNumber(text)
	}
	return text
}

func isDigits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }
