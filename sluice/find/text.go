package find

import (
	"net/textproto"
	"regexp"
	"strconv"
	"strings"

	"sluice.internal/shared/mention"
	"sluice.internal/shared/notification"
)

const (
	// minNumber is how many digits a number has that is looked for anywhere in a body. Shorter ones are counts and prices;
	// they are found in a field of a name for ids.
	minNumber = 7
	// minKey is how many characters of a key are enough, as listings show it.
	minKey = 8
)

// text is what is looked for.
type text struct {
	written string
	// receipt is the place in NOTIFICATIONS that the text can mean, 0 for none.
	receipt            uint64
	anywhere, inFields mention.Mentions
}

// phone is a telephone number as people write it, or a chat of WhatsApp, of which several spellings are in use. Only the
// digits are the same in all of them.
var phone = regexp.MustCompile(`^\+?([0-9][0-9 ()-]{5,20}[0-9])(?::[0-9]+)?(?:@c\.us|@s\.whatsapp\.net)?$`)

func newText(written string) text {
	t := text{written: written}
	if number, err := strconv.ParseUint(written, 10, 64); err == nil {
		t.receipt = number
	}
	if match := phone.FindStringSubmatch(written); match != nil {
		if digits := digitsOf(match[1]); len(digits) >= minNumber {
			t.anywhere = mention.Anywhere(digits)
			return t
		}
	}
	if t.receipt > 0 {
		t.inFields = mention.New(written)
		return t
	}
	t.anywhere = mention.Anywhere(written)
	return t
}

func digitsOf(number string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
}

// inBody reports whether a body has the text. What has it there is found in every copy of it by the text alone.
func (t *text) inBody(body []byte) bool { return t.anywhere.In(body) || t.inFields.In(body) }

// of reports how a request, a notification or an event has the text: within the body or the fields that its provider reads,
// or as its request id.
func (t *text) of(origin *notification.Origin) (found, inBody bool) {
	if t.inBody(origin.Body) {
		return true, true
	}
	for name, value := range origin.Header {
		if value == t.written && textproto.CanonicalMIMEHeaderKey(name) != "Content-Type" {
			return true, false
		}
	}
	return origin.RequestID == t.written, false
}

// isKey reports whether the text is a key or the beginning of one.
func (t *text) isKey(key string) bool {
	return key == t.written || len(t.written) >= minKey && strings.HasPrefix(key, t.written)
}
