package notification_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sluice.internal/shared/notification"
)

const (
	leadingZeros = "is a number with leading zeros"
	lastComma    = "has a comma behind its last member"
	lineFeed     = "is a string with a line feed in it"
	halfPair     = "is a string with half a surrogate pair in it, read as U+FFFD"
	noText       = "is a string with bytes in it that are no UTF-8, read as U+FFFD"
)

func TestWhatIsPlainlyMeantIsRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body, meant string
		faults      []notification.Fault
	}{
		"a byte order mark": {"\ufeff" + `{"a":1}`, `{"a":1}`, nil},
		"the documentation's own example": {
			`{"typeWebhook":"statusInstanceChanged","instanceData":{"idInstance":000001,"wid":"1@c.us"},"timestamp":1586700690}`,
			`{"typeWebhook":"statusInstanceChanged","instanceData":{"idInstance":1,"wid":"1@c.us"},"timestamp":1586700690}`,
			[]notification.Fault{{Pointer: "/instanceData/idInstance", Message: leadingZeros}},
		},
		"zeros of several numbers": {
			`{"a":[00,-007,00.5, 01e2,10,0,0.0],"b":{"c":0010}}`, `{"a":[0,-7,0.5,1e2,10,0,0.0],"b":{"c":10}}`,
			[]notification.Fault{
				{Pointer: "/a/0", Message: leadingZeros},
				{Pointer: "/a/1", Message: leadingZeros},
				{Pointer: "/a/2", Message: leadingZeros},
				{Pointer: "/a/3", Message: leadingZeros},
				{Pointer: "/b/c", Message: leadingZeros},
			},
		},
		"an exponent's zeros are none": {`{"a":1e007,"b":2E-05,}`, `{"a":1e007,"b":2E-05}`, []notification.Fault{{Message: lastComma}}},
		"trailing commas": {
			"{\"a\":[1,\"x\" , \n],\"b\":{\"c\":true,},}", `{"a":[1,"x"],"b":{"c":true}}`,
			[]notification.Fault{{Pointer: "/a", Message: lastComma}, {Pointer: "/b", Message: lastComma}, {Message: lastComma}},
		},
		"line feeds in a text": {
			"{\"a\":{\"text\":\"one\ntwo\r\nthree\"},\"b\":1}", `{"a":{"text":"one\ntwo\r\nthree"},"b":1}`,
			[]notification.Fault{{Pointer: "/a/text", Message: lineFeed}},
		},
		// A sender that counts in units of UTF-16 cuts an emoji in two; one that counts in bytes cuts any letter.
		"half an emoji at the end": {
			`{"a":[{"text":"all right \ud83d"}],"b":"\ud83d\ude00 \\ud83d"}`, "{\"a\":[{\"text\":\"all right \ufffd\"}],\"b\":\"😀 \\\\ud83d\"}",
			[]notification.Fault{{Pointer: "/a/0/text", Message: halfPair}},
		},
		"halves in the wrong order": {
			`{"a":"\uDE00\uD83D!","b":"\ud83d\ud83d\ude00","c":"\ud83dx"}`, "{\"a\":\"\ufffd\ufffd!\",\"b\":\"\ufffd😀\",\"c\":\"\ufffdx\"}",
			[]notification.Fault{{Pointer: "/a", Message: halfPair}, {Pointer: "/b", Message: halfPair}, {Pointer: "/c", Message: halfPair}},
		},
		"half a letter": {
			"{\"a\":\"да\xd0\",\"b\":[\"\xed\xa0\xbd\"]}", "{\"a\":\"да\ufffd\",\"b\":[\"\ufffd\ufffd\ufffd\"]}",
			[]notification.Fault{{Pointer: "/a", Message: noText}, {Pointer: "/b/0", Message: noText}},
		},
		"another encoding that nobody names": {
			"{\"a\":\"\xef\xf0\xe8\",\"b\":01}", "{\"a\":\"\ufffd\ufffd\ufffd\",\"b\":1}",
			[]notification.Fault{{Pointer: "/a", Message: noText}, {Pointer: "/b", Message: leadingZeros}},
		},
		"half a pair in a name":                        {`{"\ud800":1}`, "{\"\ufffd\":1}", []notification.Fault{{Pointer: "/\ufffd", Message: halfPair}}},
		"a line feed in a name":                        {"{\"a\nb\":1}", `{"a\nb":1}`, []notification.Fault{{Pointer: "/a\nb", Message: lineFeed}}},
		"commas, zeros and quotes in strings are text": {`{"a":",]","b":"007,}","c":"\",\\",}`, `{"a":",]","b":"007,}","c":"\",\\"}`, []notification.Fault{{Message: lastComma}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document, fault := notification.Parse([]byte(test.body))
			if fault != nil {
				t.Fatal(fault.Message)
			}
			meant, _ := notification.Parse([]byte(test.meant))
			if !reflect.DeepEqual(document.Root(), meant.Root()) {
				t.Errorf("read %v, want %v", document.Root(), meant.Root())
			}
			if !slices.Equal(document.Faults(), test.faults) {
				t.Errorf("faults %+v, want %+v", document.Faults(), test.faults)
			}
			again, fault := notification.Parse(notification.AsJSON("", []byte(test.body)))
			if fault != nil || !reflect.DeepEqual(again.Root(), meant.Root()) || again.Faults() != nil {
				t.Errorf("handlers read %v, fault %v", again, fault)
			}
		})
	}
}

// Recognizing the encoding takes off a mark, and reading JSON another one: handlers must not find the second.
func TestHandlersFindNoMarkBeforeJSON(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"\ufeff{}", "\ufeff\ufeff{}", "\ufeff\ufeff{\"a\":01}"} {
		document, fault := notification.Read("application/json", []byte(body))
		if content := notification.AsJSON("application/json", []byte(body)); fault != nil || content[0] != '{' {
			t.Errorf("%q is read as %v (%v), and handed on as %q", body, document, fault, content)
		}
	}
}

func TestNothingElseIsGuessed(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"a":1,,}`, `{,}`, `{"a":[,]}`, `{"a":[1,,2]}`, `{"a":,}`, `{"a":0x10}`, `{"a":+1}`, `{"a":.5}`, `{"a":1.}`, `{'a':1}`, `{a:1}`,
		"{\"a\":\"x\ty\"}", `{"a":"x`, `{"a":1`, `{"a":NaN}`, `{"a":1 007}`, `{"a":1}{"b":01}`, `{"a":- 07}`, `/* */{"a":01}`, `{"a":True}`,
		"{\"a\":1}\ufeff", "\ufeff\ufeff{}", "\ufeff", "{\"a\":\"\\\n\"}", "{\"a\":1\xff}", "\xff{}", `{"a":"\ud83"}`, `{"a":"\ud83d`, `{"a":"\uzzzz"}`,
		"{\"a\":\"\\\xff\"}",
	} {
		document, fault := notification.Parse([]byte(body))
		if fault == nil {
			t.Errorf("%q is read as %v", body, document.Root())
		}
	}
}

// What two readers would read differently stays a fault where something is repaired as well.
func TestRepairMakesNothingUnambiguous(t *testing.T) {
	t.Parallel()
	for body, message := range map[string]string{
		`{"z":01,"a":1,"a":2}`: "twice", `{"z":01,"\ud800":1,"\ud801":2}`: "twice",
		`{"z":01,"a":1e99999}`: "out of range", `[01]`: "must be an object",
	} {
		if _, fault := notification.Parse([]byte(body)); fault == nil || !strings.Contains(fault.Message, message) {
			t.Errorf("%s: fault %v", body, fault)
		}
	}
}

func TestRepairsAreToldOfInBounds(t *testing.T) {
	t.Parallel()
	document, fault := notification.Parse([]byte(`{"a":[` + strings.Repeat("01,", 5000) + `]}`))
	if fault != nil || len(document.Faults()) != 100 {
		t.Fatalf("fault %v, %d faults", fault, len(document.Faults()))
	}
}

func TestWholeNumbersAreOneHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"1101000001": "1101000001", "1101000001.0": "1101000001", "1.101000001e9": "1101000001", "1.101000001E+9": "1101000001",
		"11010000010e-1": "1101000001", "0001101000001": "1101000001", "-5.0": "-5", "0": "0", "-0": "0", "0.000": "0", "0e5": "0",
		"115297976845823798": "115297976845823798", "1.5": "1.5", "15e-1": "15e-1", "0.5": "0.5", "1e1000": "1e1000", "1e99999": "1e99999",
		"1e999999999999999999999": "1e999999999999999999999", "": "", "abc": "abc", "0x10": "0x10", "-": "-", "1e": "1e",
		"1.2.3": "1.2.3", "0.5e1": "5", "123456789012345678901234567890": "123456789012345678901234567890",
	} {
		if got := notification.WholeNumber(written); got != want {
			t.Errorf("%q is %q, want %q", written, got, want)
		}
	}
}

// Whatever Parse reads, a handler reads the same of it.
func FuzzHandlersReadWhatWasValidated(f *testing.F) {
	for _, seed := range []string{`{"a":001,}`, "{\"a\":\"\n\"}", "\ufeff{}", `{"a":[01,02,{}],}`, `{"a":"\u0000"}`, `{"a":-0,"b":1e5}`, `{"a":"\ud83d\\","\ude00":"` + "\xd0" + `"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		document, fault := notification.Parse(body)
		if fault != nil {
			return
		}
		content := notification.AsJSON("", body)
		again, fault := notification.Parse(content)
		if fault != nil || !json.Valid(content) || !reflect.DeepEqual(again.Root(), document.Root()) || len(again.Faults()) > 0 {
			t.Errorf("read %v, and again %v: %v", document, again, fault)
		}
	})
}
