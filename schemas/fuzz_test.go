package schemas_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzValidate holds that no body makes validation panic or hang, that every fault points somewhere and says
// something, and that verdicts are those of the standard.
func FuzzValidate(f *testing.F) {
	set, plain := load(f), standard(f)
	for _, n := range notifications(f, set) {
		f.Add(n.typ, n.body)
	}
	for _, body := range []string{`null`, `{}`, `[]`, `0`, `""`, `{"":{"":[{}]}}`, `{"timestamp":1e1000000000}`, `{"~/ %":-0}`} {
		f.Add("incomingMessageReceived", []byte(body))
	}
	f.Fuzz(func(t *testing.T, typ string, body []byte) {
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		var document any
		if decoder.Decode(&document) != nil {
			return
		}
		known, faults := set.Validate(greenAPI, typ, document)
		if !known && faults != nil {
			t.Errorf("faults of an unknown type: %v", faults)
		}
		outOfRange := false
		for _, fault := range faults {
			if fault.Message == "" || fault.Pointer != "" && !strings.HasPrefix(fault.Pointer, "/") {
				t.Errorf("fault is %q", fault)
			}
			outOfRange = outOfRange || fault.Message == "is a number out of range"
		}
		if !known || outOfRange { // the standard would calculate for ever, or panic
			return
		}
		if err := plain[typ].Validate(document); (err == nil) != (len(faults) == 0) {
			t.Errorf("%v, but the standard says %v", faults, err)
		}
	})
}
