package chat_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice.internal/shared/source/chat"
)

func TestSpellingsOfAChatAreOneChat(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[string][]string{
		"71234567890@c.us": {
			"71234567890@c.us", "71234567890@s.whatsapp.net", "71234567890:3@c.us", "71234567890:12@s.whatsapp.net",
			"71234567890.0:3@s.whatsapp.net", "+71234567890@c.us", "71234567890@C.US", "71234567890@S.WhatsApp.Net",
			" 71234567890@c.us ", "7-123-456-78-90@c.us", "71234567890 @c.us", "+7 123 456-78-90@c.us", "\u200e71234567890@c.us", "7\u00a01234567890@c.us\n",
		},
		"123456789012345@lid":         {"123456789012345@lid", "123456789012345:7@lid", "123456789012345@LID"},
		"71234567890-1399999999@g.us": {"71234567890-1399999999@g.us", "71234567890-1399999999@G.us "},
		"120363000000000000@g.us":     {"120363000000000000@g.us"},
		"status@broadcast":            {"status@broadcast", "Status@Broadcast"},
		"71234567890":                 {"71234567890", "+71234567890", "+7 (123) 456-78-90", "71234567890.0"},
		"-1001234567890":              {"-1001234567890", " -1001234567890", "-1001234567890.0"},
		"115297976845823798":          {"115297976845823798", "115297976845823798.0"},
		"71234567890-1399999999":      {"71234567890-1399999999"},
		"@channel":                    {"@channel", "@Channel"},
		"":                            {"", " ", "\t"},
	} {
		for _, spelling := range spellings {
			if got := chat.Normal(spelling); got != want {
				t.Errorf("%q is chat %q, want %q", spelling, got, want)
			}
		}
	}
}

func TestOtherChatsStayOthers(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, text := range []string{
		"71234567890@c.us", "71234567891@c.us", "71234567890@lid", "71234567890@g.us", "71234567890", "-71234567890", "a:3@c.us", "a:b@c.us",
		"status@broadcast", "a@b@c", "+", "-", "()", "@", "7@", "@c.us",
	} {
		normal := chat.Normal(text)
		if before, there := seen[normal]; there {
			t.Errorf("%q and %q are both %q", before, text, normal)
		}
		seen[normal] = text
	}
}

func TestNormalSpellingIsItsOwn(t *testing.T) {
	t.Parallel()
	part := rapid.SampledFrom([]string{"7", "12", "+", "-", ":", ".", "0", "@", "c.us", "s.whatsapp.net", "lid", "g.us", " ", "(", ")", "a", "Ü", "\u200e", "e5"})
	rapid.Check(t, func(t *rapid.T) {
		text := ""
		for _, one := range rapid.SliceOfN(part, 0, 8).Draw(t, "parts") {
			text += one
		}
		normal := chat.Normal(text)
		if again := chat.Normal(normal); again != normal {
			t.Errorf("%q is %q, which is %q", text, normal, again)
		}
	})
}

func TestChatIsLookedForInAllItsSpellings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"79001234567@c.us":               {"79001234567@c.us", "+79001234567"},
		"79001234567:3@s.whatsapp.net":   {"79001234567@c.us", "+79001234567"},
		"+7 (900) 123-45-67":             {"79001234567@c.us", "+79001234567", "79001234567"},
		"79001234567":                    {"79001234567@c.us", "+79001234567", "79001234567"},
		"79001234567-1480000000@g.us":    {"79001234567-1480000000@g.us"},
		"115297976845823798:3@lid":       {"115297976845823798@lid", "115297976845823798:3@lid"},
		"-10000000000001":                {"-10000000000001"},
		"7-900-1234567":                  {"79001234567@c.us", "+79001234567", "79001234567", "7-900-1234567"},
		"12345":                          {"12345"},
		"C024BE91L":                      {"c024be91l", "C024BE91L"},
		"22d6d597-000f-5000-9000-145f6d": {"22d6d597-000f-5000-9000-145f6d"},
	} {
		if got := chat.Spellings(text); !slices.Equal(got, want) {
			t.Errorf("%s is looked for as %q, want %q", text, got, want)
		}
	}
}
