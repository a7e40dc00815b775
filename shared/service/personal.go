package service

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

// What a log does with ids of people, see [Personal].
const (
	PersonalKeep = "keep" // as they are
	PersonalHash = "hash" // a short digest in place of each
	PersonalDrop = "drop" // nothing in place of each
)

// personalKeys are the attributes that name a person: a chat, a number, whoever wrote. Handlers of one's own that use these
// names need to do no more.
var personalKeys = []string{
	"chat", "chat_id", "contact", "contact_id", "order_key", "participant", "phone", "phone_number", "sender", "sender_id", "wid",
}

// PersonalKeys returns the names of the attributes that a log treats as ids of people, sorted.
func PersonalKeys() []string { return slices.Clone(personalKeys) }

const (
	// digestPrefix tells a digest from an id.
	digestPrefix = "h:"
	// digestLength in characters of 5 bits is long enough that two of a million chats are told apart, and short enough to read.
	digestLength = 12
	// dropped stands where an id was in the middle of a text.
	dropped = "…"
)

// digestEncoding is that of the keys of notifications: lower case, nothing that looks like something else.
var digestEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// chatIDs finds what can be nothing but a chat id, wherever it stands in a text: the number of a person or group, and what
// WhatsApp and GREEN-API put behind it.
var chatIDs = regexp.MustCompile(`\+?\d{5,}(?:-\d+)?@(?:c\.us|g\.us|s\.whatsapp\.net|lid|broadcast|newsletter)\b`)

// Digest returns what a log with [PersonalHash] shows in place of an id. It is the same for the same id and key. A number
// has so few digits that a digest without a secret key could be undone by trying all of them.
func Digest(key []byte, id string) string {
	digest := hmac.New(sha256.New, key)
	digest.Write([]byte(strings.TrimSpace(id)))
	return digestPrefix + digestEncoding.EncodeToString(digest.Sum(nil))[:digestLength]
}

// Personal is what a log does with ids of people. It looks at the attributes named by [PersonalKeys], wherever they come
// from, and in all other texts at chat ids of WhatsApp, which are told by their form. It is safe for concurrent use.
type Personal struct {
	mode string
	key  atomic.Pointer[[]byte]
}

// newPersonal returns a Personal for the mode. The error names one that does not exist; an empty one is PersonalHash.
func newPersonal(mode string) (*Personal, error) {
	switch mode {
	case "":
		mode = PersonalHash
	case PersonalKeep, PersonalHash, PersonalDrop:
	default:
		return nil, fmt.Errorf("read how to log ids of people %q: must be %s, %s or %s", mode, PersonalKeep, PersonalHash, PersonalDrop)
	}
	return &Personal{mode: mode}, nil
}

// SetPersonalKey gives a log made by [NewLogger], and all that were derived from it, the installation's key. Until then
// ids are dropped where they would be hashed: without a key a digest hides nothing. A log made by somebody else is left
// as it is.
func SetPersonalKey(log *slog.Logger, key []byte) {
	if handler, ok := log.Handler().(personalHandler); ok && len(key) > 0 {
		handler.personal.key.Store(&key)
	}
}

// replace is a slog.HandlerOptions.ReplaceAttr.
func (p *Personal) replace(_ []string, attr slog.Attr) slog.Attr {
	if p.mode == PersonalKeep || attr.Key == "" {
		return attr
	}
	if slices.Contains(personalKeys, attr.Key) {
		hidden := p.hide(attr.Value.String())
		if hidden == "" {
			return slog.Attr{}
		}
		return slog.String(attr.Key, hidden)
	}
	return p.replaceText(attr)
}

// replaceText hides the chat ids in a value that is not personal by its name.
func (p *Personal) replaceText(attr slog.Attr) slog.Attr {
	switch attr.Value.Kind() { //nolint:exhaustive // Numbers and times are no texts.
	case slog.KindString, slog.KindAny:
	default:
		return attr
	}
	if attr.Key == slog.LevelKey {
		return attr
	}
	text := attr.Value.String() // What is written as JSON later has the same ids in it.
	if !strings.Contains(text, "@") || !chatIDs.MatchString(text) {
		return attr
	}
	return slog.String(attr.Key, chatIDs.ReplaceAllStringFunc(text, func(id string) string {
		if hidden := p.hide(id); hidden != "" {
			return hidden
		}
		return dropped
	}))
}

// hide returns what stands in place of an id, "" for nothing.
func (p *Personal) hide(id string) string {
	key := p.key.Load()
	if id == "" || p.mode == PersonalDrop || key == nil {
		return ""
	}
	return Digest(*key, id)
}

// personalHandler is a handler that can be asked for what it does with ids of people.
type personalHandler struct {
	slog.Handler

	personal *Personal
}

// WithAttrs is a slog.Handler's.
func (h personalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return personalHandler{h.Handler.WithAttrs(attrs), h.personal}
}

// WithGroup is a slog.Handler's.
func (h personalHandler) WithGroup(name string) slog.Handler {
	return personalHandler{h.Handler.WithGroup(name), h.personal}
}
