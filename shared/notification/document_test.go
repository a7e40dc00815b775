package notification_test

import (
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/costtest"
	"sluice.internal/shared/notification"
)

func TestParseSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, want string }{
		"empty":                        {"", "is empty"},
		"white space":                  {" \n\t", "is empty"},
		"not JSON":                     {"hello", "is not JSON"},
		"cut off":                      {`{"a":`, "is not JSON: ends in the middle at byte 5"},
		"two documents":                {`{}{}`, "is followed by more data"},
		"garbage behind":               {`{} x`, "is followed by more data"},
		"an array":                     {`[1]`, "is an array, must be an object"},
		"a string":                     {`"a"`, "is a string, must be an object"},
		"a number":                     {`1`, "is a number, must be an object"},
		"null":                         {`null`, "is null, must be an object"},
		"invalid UTF-8":                {"{\"a\":\xff}", "is not valid UTF-8 at byte 5"},
		"deeper than anybody nests":    {strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), "nests 10000 levels deep"},
		"deep and cut off":             {strings.Repeat("[", 5_000_000), "nests 5000000 levels deep"},
		"an exponent without end":      {`{"a":[{"b/c":1e1000000000}]}`, "is a number out of range"},
		"a number of a million digits": {`{"a":1` + strings.Repeat("0", 1_000_000) + `}`, "is a number out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document, fault := notification.Parse([]byte(test.body))
			if document != nil || fault == nil {
				t.Fatalf("Parse accepted it: %v", document)
			}
			if !strings.Contains(fault.Message, test.want) {
				t.Errorf("fault %q, want it to contain %q", fault.Message, test.want)
			}
		})
	}
}

func TestNumberOutOfRangeIsNamedByItsPointer(t *testing.T) {
	t.Parallel()
	_, fault := notification.Parse([]byte(`{"a":[0,{"b/c~d":1e99999}]}`))
	if fault == nil || fault.Pointer != "/a/1/b~1c~0d" {
		t.Errorf("fault %+v, want the pointer /a/1/b~1c~0d", fault)
	}
}

func TestBracketsInStringsAreNoDepth(t *testing.T) {
	t.Parallel()
	body := `{"a":"` + strings.Repeat(`[{\"`, 1000) + `"}`
	if depth := notification.Depth([]byte(body)); depth != 1 {
		t.Errorf("depth %d, want 1", depth)
	}
	if _, fault := notification.Parse([]byte(body)); fault != nil {
		t.Errorf("Parse refused it: %v", fault)
	}
}

func TestIdsBeyondFloatPrecisionSurvive(t *testing.T) {
	t.Parallel()
	document, fault := notification.Parse([]byte(`{"instanceData":{"idInstance":115297976845823798},"n":12345678901234567890123}`))
	if fault != nil {
		t.Fatal(fault)
	}
	if got := document.Text("instanceData", "idInstance"); got != "115297976845823798" {
		t.Errorf("idInstance is %s", got)
	}
	if got := document.Text("n"); got != "12345678901234567890123" {
		t.Errorf("n is %s", got)
	}
	if _, ok := document.Integer("n"); ok {
		t.Error("n does not fit into 64 bits, yet Integer returned it")
	}
	if n, ok := document.Integer("instanceData", "idInstance"); !ok || n != 115297976845823798 {
		t.Errorf("Integer returned %d, %t", n, ok)
	}
}

func TestLookingIntoWhatIsNoObjectFindsNothing(t *testing.T) {
	t.Parallel()
	document, fault := notification.Parse([]byte(`{"a":"text","b":{"c":null},"d":[1],"e":true}`))
	if fault != nil {
		t.Fatal(fault)
	}
	for _, path := range [][]string{{"a", "x"}, {"b", "c"}, {"b", "c", "d"}, {"d"}, {"e"}, {"none"}} {
		if got := document.Text(path...); got != "" {
			t.Errorf("Text(%v) = %q, want nothing", path, got)
		}
	}
	if !document.Has("b", "c") || document.Has("b", "x") {
		t.Error("Has does not tell null from missing")
	}
}

func TestFingerprintIgnoresKeyOrderAndSpaceAndNothingElse(t *testing.T) {
	t.Parallel()
	base := fingerprint(t, `{"a":1,"b":{"c":[1,2],"d":null,"e":true}}`)
	if got := fingerprint(t, "{ \"b\": {\"e\":true, \"d\":null,\n \"c\":[1, 2]}, \"a\":1 }"); got != base {
		t.Error("another order of keys changed the fingerprint")
	}
	for _, other := range []string{
		`{"a":1,"b":{"c":[2,1],"d":null,"e":true}}`,
		`{"a":"1","b":{"c":[1,2],"d":null,"e":true}}`,
		`{"a":1.0,"b":{"c":[1,2],"d":null,"e":true}}`,
		`{"a":1,"b":{"c":[1,2],"d":false,"e":true}}`,
		`{"a":1,"b":{"c":[12],"d":null,"e":true}}`,
		`{"a":1,"b":{"c":[1,2],"d":null,"e":true},"f":null}`,
		`{"a":1,"b":{"c":[1,2,null],"e":true}}`,
	} {
		if fingerprint(t, other) == base {
			t.Errorf("%s has the fingerprint of another document", other)
		}
	}
}

func fingerprint(t *testing.T, body string) string {
	t.Helper()
	document, fault := notification.Parse([]byte(body))
	if fault != nil {
		t.Fatal(fault)
	}
	return document.Fingerprint()
}

func TestKeyTellsPartsApart(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, parts := range [][]string{{"a", "bc"}, {"ab", "c"}, {"abc"}, {"abc", ""}, {"", "abc"}, {}} {
		key := notification.Key(parts...)
		if len(key) != 32 {
			t.Errorf("Key(%q) = %q, want 32 characters", parts, key)
		}
		keys[key] = true
	}
	if len(keys) != 6 {
		t.Errorf("six different lists of parts made %d keys", len(keys))
	}
}

// readingLimit is what reading a body may cost. What is allocated is some three times what a document takes, since maps grow.
var readingLimit = costtest.Limit{Base: 1 << 20, PerByte: 300, MaxMemory: 128 << 20, CPUPerMiB: 2 * time.Second}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"a":1e9}`, `{"a":{"b":[1,"\u0000\ud800"]}}`, "\xff", "[[[[", `{"a":1,"a":2}`, `"\`} {
		f.Add([]byte(seed))
	}
	for _, body := range costtest.Bodies(64 << 10) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var (
			document *notification.Document
			fault    *notification.Fault
		)
		readingLimit.Check(t, len(body), func() { document, fault = notification.Parse(body) })
		if (document == nil) == (fault == nil) {
			t.Fatalf("document %v and fault %v", document, fault)
		}
		if document == nil {
			return
		}
		again, _ := notification.Parse(body)
		if document.Fingerprint() != again.Fingerprint() {
			t.Error("the fingerprint is not stable")
		}
	})
}
