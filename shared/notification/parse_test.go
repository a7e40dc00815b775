package notification_test

import (
	"runtime"
	"strconv"
	"strings"
	"testing"

	"sluice.internal/shared/notification"
)

func TestWhatTwoReadersWouldReadDifferentlyIsAFault(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, pointer, want string }{
		"a field twice":                      {`{"a":1,"a":2}`, "/a", "is there twice, with different values"},
		"a field twice, one of them escaped": {`{"a":1,"\u0061":2}`, "/a", "is there twice, with different values"},
		"a field twice further in":           {`{"a":[{"b":1,"b":1.0}]}`, "/a/0/b", "is there twice, with different values"},
		"halves of pairs as names":           {`{"\ud800":1,"\ud801":2}`, "/\ufffd", "is there twice, with different values"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document, fault := notification.Parse([]byte(test.body))
			if document != nil || fault == nil {
				t.Fatalf("Parse accepted it: %v", document)
			}
			if fault.Pointer != test.pointer || !strings.Contains(fault.Message, test.want) {
				t.Errorf("fault %+v, want %q at %q", fault, test.want, test.pointer)
			}
		})
	}
}

// JSON's names that differ in case are different names, and all readers of Sluice read them so. Elsewhere there are readers that
// take one for the other.
func TestNamesThatDifferInCaseAloneAreToldOf(t *testing.T) {
	t.Parallel()
	many := `"f0":0`
	for i := range 40 {
		many += `,"f` + strconv.Itoa(i+1) + `":0`
	}
	for name, test := range map[string]struct{ body, pointer, want string }{
		"another case":            {`{"from":"1","FROM":"2"}`, "", `has the fields "FROM" and "from", which differ in case alone`},
		"another case further in": {`{"x":[0,{"from":"1","From":"2"}]}`, "/x/1", `has the fields "From" and "from"`},
		"a long s":                {`{"status":1,"ſtatus":2}`, "", "which differ in case alone"},
		"a Kelvin sign":           {`{"k":1,"\u212a":2}`, "", "which differ in case alone"},
		"a Greek final sigma":     {`{"σ":1,"ς":2}`, "", "which differ in case alone"},
		"another case among many": {"{" + many + `,"F7":1}`, "", `has the fields "F7" and "f7"`},
	} {
		document, fault := notification.Parse([]byte(test.body))
		if fault != nil || len(document.Faults()) != 1 {
			t.Errorf("%s: fault %+v, document %+v", name, fault, document)
			continue
		}
		if got := document.Faults()[0]; got.Pointer != test.pointer || !strings.Contains(got.Message, test.want) {
			t.Errorf("%s: %+v, want %q at %q", name, got, test.want, test.pointer)
		}
	}
	document, _ := notification.Parse([]byte(`{"from":"1","FROM":"2","x":[` + strings.Repeat(`{"a":1,"A":1},`, 5000) + `0]}`))
	if document.Text("from") != "1" || document.Text("FROM") != "2" || len(document.Faults()) > 101 {
		t.Errorf("%d faults, %v", len(document.Faults()), document.Root()["from"])
	}
}

func TestNamesThatAreNoPairAreRead(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"a":{"from":1},"b":{"FROM":2}}`, `{"from":1,"from ":2,"form":3}`, `{"é":1,"e":2,"É ":3}`, `{"a":"\ud83d\ude00"}`,
		`{"":1," ":2}`, `{"ß":1,"ss":2}`,
		// GREEN-API's documentation has such an example.
		`{"timestamp":1586700802,"a":{"b":[1,"x"]},"timestamp":1586700802,"a":{"b":[1,"x"]}}`,
	} {
		if _, fault := notification.Parse([]byte(body)); fault != nil {
			t.Errorf("%s: %+v", body, fault)
		}
	}
}

func TestFaultsOfWhatIsReadStayShortToo(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ж", 1<<20)
	for _, body := range []string{
		`{"` + long + `x":1,"` + long + `X":1}`, `{"` + long + `":{"a":1,"A":2}}`, `{"` + long + `":"\ud800"}`,
	} {
		document, fault := notification.Parse([]byte(body))
		if fault != nil || len(document.Faults()) != 1 {
			t.Fatalf("%.10s…: fault %+v", body, fault)
		}
		if one := document.Faults()[0]; len(one.Pointer)+len(one.Message) > 2048 {
			t.Errorf("the fault has %d bytes", len(one.Pointer)+len(one.Message))
		}
	}
}

func TestMoreValuesThanAreReadAreAFault(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"objects": `{"x":[` + strings.TrimSuffix(strings.Repeat(`{"":0},`, notification.MaxValues/2), ",") + `]}`,
		"numbers": `{"x":[` + strings.TrimSuffix(strings.Repeat(`0,`, notification.MaxValues), ",") + `]}`,
		"arrays":  `{"x":[` + strings.TrimSuffix(strings.Repeat(`[],`, notification.MaxValues), ",") + `]}`,
	} {
		_, fault := notification.Parse([]byte(body))
		if fault == nil || fault.Message != "has more than 100000 values, at most that many are read" {
			t.Errorf("%s: fault %+v", name, fault)
		}
	}
	body := `{"x":[` + strings.TrimSuffix(strings.Repeat(`0,`, notification.MaxValues-2), ",") + `]}`
	if _, fault := notification.Parse([]byte(body)); fault != nil {
		t.Errorf("as many as are read: %+v", fault)
	}
}

func TestFaultsStayShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ж", 1<<20)
	for _, body := range []string{
		`{"` + long + `":{"a":1,"a":2}}`, `{"` + long + `":1e9999}`, `{"` + long,
	} {
		_, fault := notification.Parse([]byte(body))
		if fault == nil {
			t.Fatalf("%.10s… was read", body)
		}
		if size := len(fault.Pointer) + len(fault.Message); size > 2048 {
			t.Errorf("the fault has %d bytes", size)
		}
	}
}

// The worst bodies that were found: many values in few bytes, names that all have to be compared, text in numbers.
// Not parallel: it measures what the whole process allocates.
//
//nolint:paralleltest // See above.
func TestNoBodyTakesMoreThanABoundedAmountOfMemory(t *testing.T) {
	const size = 8 << 20
	fill := func(head, item, tail string) string {
		return head + strings.TrimSuffix(strings.Repeat(item, (size-len(head)-len(tail))/len(item)), ",") + tail
	}
	names := &strings.Builder{}
	for i := 0; names.Len() < size; i++ {
		names.WriteString(`"` + strconv.Itoa(i) + `":0,`)
	}
	for name, body := range map[string]string{
		"small objects":   fill(`{"x":[`, `{"":0},`, `]}`),
		"empty objects":   fill(`{"x":[`, `{},`, `]}`),
		"empty arrays":    fill(`{"x":[`, `[],`, `]}`),
		"digits":          fill(`{"x":[`, `0,`, `]}`),
		"names":           `{` + strings.TrimSuffix(names.String(), ",") + `}`,
		"one long number": fill(`{"x":`, `1`, `}`),
		"brackets":        strings.Repeat("[", size),
		"siblings":        fill(`{"x":[`, strings.Repeat("[", 200)+strings.Repeat("]", 200)+`,`, `]}`),
		"a long string":   `{"x":"` + strings.Repeat(`\u0041`, size/6) + `"}`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		document, fault := notification.Parse([]byte(body))
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d MB", name, allocated>>20)
		if limit := uint64(64<<20) + 3*size; allocated > limit {
			t.Errorf("%s: %d MB were allocated, at most %d may be", name, allocated>>20, limit>>20)
		}
		runtime.KeepAlive(document)
		runtime.KeepAlive(fault)
	}
}

func BenchmarkParse(b *testing.B) {
	body := []byte(`{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":7103000000,"wid":"79876543210@c.us",` +
		`"typeInstance":"whatsapp"},"timestamp":1588091580,"idMessage":"F7AEC1B7086ECDC7E6E45923F5EDB825","senderData":{` +
		`"chatId":"79001234568@c.us","sender":"79001234568@c.us","chatName":"John","senderName":"John"},"messageData":{` +
		`"typeMessage":"textMessage","textMessageData":{"textMessage":"I use Green-API to send this message to you!"}}}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, fault := notification.Parse(body); fault != nil {
			b.Fatal(fault)
		}
	}
}
