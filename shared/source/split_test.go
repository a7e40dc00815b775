package source_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/source/mapping"
)

// bodiesOf are the bodies of the parts of a notification, the fault if it can't be divided, or nothing if it is not.
func bodiesOf(t *testing.T, n *notification.Notification) []string {
	t.Helper()
	parts, fault := source.Parts(source.Providers(), n)
	if fault != nil {
		return []string{fault.Message}
	}
	var bodies []string
	for i, part := range parts {
		if part == n {
			return nil
		}
		if part.Part != i+1 || part.Parts != len(parts) || part.Source != n.Source || part.Sequence != n.Sequence {
			t.Errorf("part %d is %+v", i, part)
		}
		bodies = append(bodies, string(part.Body))
		if again, _ := source.Parts(source.Providers(), part); len(again) != 1 || again[0] != part {
			t.Error("a part is divided again")
		}
	}
	return bodies
}

func TestRequestIsDividedAsIfEachNotificationHadComeAlone(t *testing.T) {
	t.Parallel()
	meta := []string{"/entry/*/changes/*/value/messages/*", "/entry/*/changes/*/value/statuses/*"}
	for name, test := range map[string]struct {
		split []string
		body  string
		want  []string
	}{
		"an array of all": {[]string{"/*"}, ` [ {"a":1} , {"b":[2]}, 3 ] `, []string{`{"a":1}`, `{"b":[2]}`, `3`}},
		"an array below": {
			[]string{"/events/*"},
			`{"to":"U1", "events":[{"id":1.50},{"id":"é\u00e9"}],"x":{"events":[1,2]}}`,
			[]string{`{"to":"U1","events":[{"id":1.50}],"x":{"events":[1,2]}}`, `{"to":"U1","events":[{"id":"é\u00e9"}],"x":{"events":[1,2]}}`},
		},
		"arrays within arrays, several places": {
			meta, `{"object":"w","entry":[{"id":1,"changes":[{"value":{"m":"p","messages":[{"id":"a"},{"id":"b"}],"statuses":[{"id":"c"}]}},{"field":"f"}]},{"id":2,"changes":[]}]}`,
			[]string{
				`{"object":"w","entry":[{"id":1,"changes":[{"value":{"m":"p","messages":[{"id":"a"}]}}]}]}`,
				`{"object":"w","entry":[{"id":1,"changes":[{"value":{"m":"p","messages":[{"id":"b"}]}}]}]}`,
				`{"object":"w","entry":[{"id":1,"changes":[{"value":{"m":"p","statuses":[{"id":"c"}]}}]}]}`,
				`{"object":"w","entry":[{"id":1,"changes":[{"field":"f"}]}]}`,
				`{"object":"w","entry":[{"id":2,"changes":[]}]}`,
			},
		},
		"one alone":              {[]string{"/events/*"}, `{"events":[{"id":1}]}`, []string{`{"events":[{"id":1}]}`}},
		"an empty array":         {[]string{"/events/*"}, `{"events":[]}`, nil},
		"no array":               {[]string{"/events/*"}, `{"events":{"a":1}}`, nil},
		"no such member":         {[]string{"/events/*"}, `{"event":1}`, nil},
		"an object for an array": {[]string{"/*"}, `{"a":1}`, nil},
		"what is no JSON":        {[]string{"/events/*"}, `{"events":[{"id":1},{"id":`, nil},
		"what is plainly meant":  {[]string{"/events/*"}, `{"events":[{"id":01},{"id":2},]}`, []string{`{"events":[{"id":1}]}`, `{"events":[{"id":2}]}`}},
		"two arrays of a name":   {[]string{"/e/*"}, `{"e":[1],"e":[2]}`, nil},
		"a name with a slash":    {[]string{"/a~1b/*"}, `{"a/b":[1,2]}`, []string{`{"a/b":[1]}`, `{"a/b":[2]}`}},
		"more than there may be": {[]string{"/*"}, "[" + strings.Repeat("1,", mapping.MaxParts) + "1]", []string{"has more than 1000 notifications in it"}},
		"what grows too much": {
			[]string{"/e/*"},
			`{"e":[` + strings.Repeat("1,", 899) + `1],"x":"` + strings.Repeat("x", 20_000) + `"}`,
			[]string{"has notifications in it whose bodies would have more than 16777216 bytes together"},
		},
	} {
		n := generic(source.Mapping{Type: "constant:a", Split: test.split}, "application/json", test.body)
		if got := bodiesOf(t, n); !slices.Equal(got, test.want) {
			t.Errorf("%s: %.2000q", name, got)
		}
	}
	form := generic(source.Mapping{Type: "constant:a", Split: []string{"/events/*"}}, "application/x-www-form-urlencoded", `payload={"events":[1,2]}`)
	if got := bodiesOf(t, form); len(got) != 2 {
		t.Errorf("JSON in a form: %q", got)
	}
	if got := bodiesOf(t, generic(source.Mapping{Type: "constant:a"}, "application/json", `{"events":[1,2]}`)); got != nil {
		t.Errorf("who does not divide has %q", got)
	}
}

func TestPartsAreIdentifiedOneByOneAndTheirOrderIsTheRequests(t *testing.T) {
	t.Parallel()
	mapping := source.Mapping{
		Type: "/events/0/type", Instance: "/to", ID: []string{"/events/0/id"}, Order: "/events/0/chat", Split: []string{"/events/*"},
	}
	body := `{"to":"U","events":[{"id":1,"type":"a","chat":"x"},{"id":2,"type":"b","chat":"y"},{"id":1,"type":"a","chat":"x"}]}`
	n := generic(mapping, "application/json", body)
	if n.Type != "" || n.Instance != "U" {
		t.Errorf("the gateway takes it for %q of %q", n.Type, n.Instance)
	}
	parts, _ := source.Parts(source.Providers(), n)
	var found []string
	keys := map[string]int{}
	for _, part := range parts {
		what, fault := source.Interpret(source.Providers(), part)
		if fault != nil {
			t.Fatal(fault)
		}
		found = append(found, what.Identity.Type+what.Identity.OrderKey)
		keys[what.Identity.Key]++
	}
	if fmt.Sprint(found) != "[ax by ax]" || len(keys) != 2 {
		t.Errorf("parts %v with %d keys", found, len(keys))
	}
	alone := generic(mapping, "application/json", `{"to":"U","events":[{"id":2,"type":"b","chat":"y"}]}`)
	if keys[identityOf(t, alone).Key] != 1 {
		t.Error("one that comes alone later is another one")
	}
	inside := generic(source.Mapping{Type: "constant:a", Instance: "/events/0/to", Split: []string{"/events/*"}}, "application/json", `{"events":[{"to":"U"}]}`)
	if inside.Instance != "" { // It would be that of the first part, and the order of the others with it.
		t.Errorf("the gateway takes it for one of %q", inside.Instance)
	}
}

func TestTypeIsTheNameOfTheMemberThatIsThere(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct{ place, contentType, body, want string }{
		{"key:message,edited_message", "application/json", `{"update_id":1,"edited_message":{},"x":1}`, "edited_message"},
		{"key:message,edited_message", "application/json", `{"message":null,"edited_message":{}}`, "edited_message"},
		{"key:!update_id", "application/json", `{"update_id":1,"callback_query":{}}`, "callback_query"},
		{"key:!a", "application/json", `{"a":1}`, ""},
		{"key:/data:b,c", "application/json", `{"data":{"c":1}}`, "c"},
		{"key:/data:b,c", "application/json", `{"data":[1]}`, ""},
		{"key:!account", form, "account[id]=7&leads[status][0][id]=1&leads[status][0][status_id]=2", "leads[status]"},
		{"key:!account", form, "account[id]=7&message[add][0][id]=1", "message[add]"},
		{"key:!account", form, "a=1", "a"},
		{"/none | /type | constant:rest", "application/json", `{"type":"t"}`, "t"},
		{"constant:a | b", "application/json", `{}`, "a | b"},
		{"header:X-None | $.a.b | key:a", "application/json", `{"a":{"b":5}}`, "5"},
	} {
		mapping := source.Mapping{Type: test.place}
		if err := mapping.Check(); err != nil {
			t.Errorf("%s: %v", test.place, err)
		}
		n := generic(mapping, test.contentType, test.body)
		what, fault := source.Interpret(source.Providers(), n)
		if what.Identity.Type != test.want || (fault == nil) != (test.want != "") {
			t.Errorf("%s of %s is %q (%v), want %q", test.place, test.body, what.Identity.Type, fault, test.want)
		}
		if test.contentType != form && n.Type != test.want {
			t.Errorf("the gateway takes %s for %q, want %q", test.body, n.Type, test.want)
		}
	}
	for place, want := range map[string]string{"/a | /b": "/a | /b", "key:a,b": "a,b"} {
		if _, fault := source.Interpret(source.Providers(), generic(source.Mapping{Type: place}, "application/json", "{}")); fault == nil || !strings.Contains(fault.Message, want) {
			t.Errorf("%s: %v", place, fault)
		}
	}
	for _, place := range []string{"key:", "key:a,,b", "key:!", "key:/a", "/a | b"} {
		if mapping.CheckPlace(place) == nil {
			t.Errorf("%q is a place", place)
		}
	}
}
