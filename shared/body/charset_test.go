package body_test

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"sluice.internal/shared/body"
)

// encoded is text in an encoding.
func encoded(t testing.TB, in encoding.Encoding, text string) []byte {
	t.Helper()
	raw, err := in.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestTextIsReadByTheCharsetThatItSays(t *testing.T) {
	t.Parallel()
	const russian, json = `{"имя":"Анна Щёкина"}`, "application/json; charset="
	for name, c := range map[string]struct {
		contentType string
		raw         []byte
		want        string
	}{
		"windows-1251":              {json + "windows-1251", encoded(t, charmap.Windows1251, russian), russian},
		"cp1251":                    {json + "cp1251", encoded(t, charmap.Windows1251, russian), russian},
		"win-1251 in quotes":        {json + `"Win-1251"`, encoded(t, charmap.Windows1251, russian), russian},
		"windows1251":               {json + "windows1251", encoded(t, charmap.Windows1251, russian), russian},
		"koi8-r":                    {json + "KOI8-R", encoded(t, charmap.KOI8R, russian), russian},
		"koi8-u":                    {json + "koi8-u", encoded(t, charmap.KOI8U, russian), russian},
		"cp866":                     {json + "cp866", encoded(t, charmap.CodePage866, russian), russian},
		"iso-8859-5":                {json + "iso-8859-5", encoded(t, charmap.ISO8859_5, russian), russian},
		"latin 1":                   {json + "ISO-8859-1", encoded(t, charmap.Windows1252, `{"a":"é"}`), `{"a":"é"}`},
		"shift_jis":                 {json + "shift_jis", encoded(t, japanese.ShiftJIS, `{"a":"日本"}`), `{"a":"日本"}`},
		"iso-2022-jp":               {json + "iso-2022-jp", encoded(t, japanese.ISO2022JP, `{"a":"日本"}`), `{"a":"日本"}`},
		"gbk":                       {json + "gbk", encoded(t, simplifiedchinese.GBK, `{"a":"中文"}`), `{"a":"中文"}`},
		"a broken parameter beside": {"text/plain; =; charset=windows-1251", encoded(t, charmap.Windows1251, "Привет"), "Привет"},
		"utf-16 named":              {json + "utf-16le", encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), russian), russian},
		"utf-16 named, big":         {json + "utf-16be", encoded(t, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), russian), russian},
		"utf-16 text":               {"text/plain; charset=utf-16", encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "Привет, мир"), "Привет, мир"},
		"utf-16 with a mark":        {"", encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), russian), russian},
		"utf-16 with a mark, big":   {"", encoded(t, unicode.UTF16(unicode.BigEndian, unicode.UseBOM), russian), russian},
		"utf-16 unnamed":            {"application/json", encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), russian), russian},
		"utf-16 unnamed, big":       {"application/json", encoded(t, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), russian), russian},
		"utf-32 with a mark":        {"", encoded(t, utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), russian), russian},
		"utf-32 named":              {json + "utf-32be", encoded(t, utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), russian), russian},
		"utf-8 with a mark":         {"", []byte("\ufeff" + russian), russian},
		"XML says it itself": {
			"text/xml", encoded(t, charmap.Windows1251, `<?xml version="1.0" encoding="windows-1251"?><a>Щ</a>`),
			`<?xml version="1.0" encoding="windows-1251"?><a>Щ</a>`,
		},
		"the header counts more than XML": {
			"text/xml; charset=koi8-r", encoded(t, charmap.KOI8R, `<?xml version='1.0' encoding='windows-1251'?><a>Щ</a>`),
			`<?xml version='1.0' encoding='windows-1251'?><a>Щ</a>`,
		},
	} {
		if got, err := body.Text(c.contentType, c.raw); err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestTextInUTF8IsTakenForThatWhateverItIsSaidToBe(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{
		"application/json; charset=windows-1251", "text/xml; charset=iso-8859-1", "text/xml; charset=utf-16", "text/plain; charset=nonsense", "",
	} {
		// Programs on .NET write UTF-16 into the declaration of XML that they send in UTF-8.
		const text = `<?xml version="1.0" encoding="utf-16"?><a>Привет – мир</a>`
		if got, err := body.Text(contentType, []byte(text)); err != nil || string(got) != text {
			t.Errorf("%q: %q, %v", contentType, got, err)
		}
	}
}

func TestNothingIsGuessedAboutTextThatDoesNotSayItsCharset(t *testing.T) {
	t.Parallel()
	raw := encoded(t, charmap.Windows1251, `{"имя":"Анна"}`)
	for _, contentType := range []string{"", "application/json", "application/json; charset=utf-8"} {
		if got, err := body.Text(contentType, raw); err != nil || string(got) != string(raw) {
			t.Errorf("%q: %q, %v", contentType, got, err)
		}
	}
	for _, name := range []string{"nonsense", "utf-7", "iso-2022-kr", "windows-9999", strings.Repeat("x", 1<<10)} {
		if got, err := body.Text("application/json; charset="+name, raw); err == nil || len(err.Error()) > 100 || string(got) != string(raw) {
			t.Errorf("%.20q: %q, %v", name, got, err)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("text/plain; charset=utf-16", []byte("\xff\xfea\x00"))
	f.Add("text/xml", []byte(`<?xml version="1.0" encoding="koi8-r"?>`+"\xff"))
	f.Add("; charset=gb18030", []byte("\x81\x30\x81"))
	f.Add("; charset=iso-2022-jp", []byte("\x1b$B"))
	f.Fuzz(func(t *testing.T, contentType string, raw []byte) {
		limit.Check(t, len(raw), func() {
			if text, err := body.Text(contentType, raw); len(text) > 4*len(raw)+4 {
				t.Errorf("%d bytes became %d, %v", len(raw), len(text), err)
			}
		})
	})
}
