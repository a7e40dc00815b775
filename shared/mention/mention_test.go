package mention_test

import (
	"strings"
	"testing"
	"unicode"

	"sluice.internal/shared/mention"
)

func TestIdIsFoundWhereItStandsAndNotInsideOfAnother(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		id, text string
		want     bool
	}{
		{"79001234567@c.us", `{"chatId":"79001234567@c.us"}`, true},
		{"79001234567@c.us", `79001234567@c.us`, true},
		{"79001234567@c.us", `{"id":"false_79001234567@c.us_3EB0"}`, true},
		{"79001234567@c.us", `{"chatId":"79001234567\u0040c.us"}`, true},
		{"79001234567@c.us", `{"chatId":"\u0037900123456\u0037\u0040c.us"}`, true},
		{"79001234567@c.us", `chat=79001234567%40c.us&x=1`, true},
		{"79001234567@c.us", `{"text":"write to 79001234567@c.us."}`, true},
		{"79001234567@c.us", `{"a":"179001234567@c.us","b":"79001234567@c.us"}`, true},
		{"79001234567@c.us", `{"chatId":"179001234567@c.us"}`, false},
		{"79001234567@c.us", `{"chatId":"79001234567@c.uses"}`, false},
		{"79001234567@c.us", `{"chatId":"79001234567@g.us"}`, false},
		{"79001234567@c.us", `{"sender":"79001234567@s.whatsapp.net"}`, true},
		{"79001234567@c.us", `{"sender":"79001234567:12@c.us"}`, true},
		{"79001234567@c.us", `{"sender":"79001234567.0:12@s.whatsapp.net"}`, true},
		{"79001234567@c.us", `sender=79001234567%3A12%40s.whatsapp.net`, true},
		{"79001234567@s.whatsapp.net", `{"sender":"79001234567@c.us"}`, true},
		{"79001234567@c.us", `{"sender":"79001234567:x@c.us"}`, false},
		{"79001234567@c.us", `{"sender":"79001234567@lid"}`, false},
		{"79001234567@c.us", `{"sender":"79001234567"}`, false},
		{"1480000000@g.us", `{"chatId":"79001234567-1480000000@g.us"}`, false},
		{"79001234567@c.us", `100%`, false},
		{"79001234567@c.us", `\u00`, false},
		{"79001234567@c.us", ``, false},
		{"-10000000000001", `{"chatId":"-10000000000001"}`, true},
		{"10000001", `{"chatId":10000001}`, true},
		{"10000001", `{"senderData" : {"sender" : "10000001" }}`, true},
		{"10000001", `{"from":10000001`, true},
		{"10000001", `{"timestamp":10000001,"size":"10000001"}`, false},
		{"10000001", `{"chatId":100000011}`, false},
		{"10000001", `{"chatId":"10000001@c.us"}`, false},
		{"10000001", `{"textMessage":"10000001"}`, false},
		{"1101000001", `{"instanceData":{"idInstance":1101000001,"wid":"7@c.us"}}`, true},
	} {
		if got := mention.New(test.id).In([]byte(test.text)); got != test.want {
			t.Errorf("%s in %s: %t", test.id, test.text, got)
		}
	}
}

func TestNumberIsFoundAnywhereWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"chatId":"79001234567@c.us"}`:              true,
		`{"chatId":"79001234567:3@s.whatsapp.net"}`:  true,
		`{"phone":"+79001234567"}`:                   true,
		`{"textMessage":"call 79001234567, please"}`: true,
		`{"chatId":"790012345678@c.us"}`:             false,
		`{"id":"a79001234567"}`:                      false,
	} {
		if got := mention.Anywhere("79001234567").In([]byte(text)); got != want {
			t.Errorf("in %s: %t", text, got)
		}
	}
}

func FuzzMentions(f *testing.F) {
	f.Add("79001234567@c.us", `{"chatId":"79001234567\u0040c.us%40"}`)
	f.Add("10000001", `{"chatId":10000001}`)
	f.Fuzz(func(t *testing.T, id, text string) {
		if strings.TrimSpace(id) != id || id == "" || strings.ContainsFunc(id, unicode.IsControl) {
			return
		}
		mention.New(id).In([]byte(text)) // A number is found by a pattern made of it, which must be one.
		m := mention.Anywhere(id)
		found := m.In([]byte(text))
		if !found && !m.In([]byte(" "+id+" ")) {
			t.Errorf("%q is not found in itself", id)
		}
		if found && !strings.ContainsAny(text, `%\`) && !strings.Contains(text, id) {
			t.Errorf("%q is found in %q", id, text)
		}
	})
}
