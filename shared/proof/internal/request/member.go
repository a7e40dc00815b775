package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// member is a member of an object, or an item of an array with its index as its name: the places in the body where what is
// before it ends, where its value begins, and where that ends.
type member struct {
	name              string
	after, value, end int
}

// children yields the members of the object or the items of the array that begins at the place, up to the first thing that
// is no JSON. It copies nothing of the body.
func children(body []byte, from int) iter.Seq[member] {
	return func(yield func(member) bool) {
		decoder := jsontext.NewDecoder(bytes.NewBuffer(body[from:]), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		open, err := decoder.ReadToken()
		if err != nil || open.Kind() != '{' && open.Kind() != '[' {
			return
		}
		isObject := open.Kind() == '{'
		for i := 0; ; i++ {
			one := member{name: strconv.Itoa(i), after: from + int(decoder.InputOffset())}
			if kind := decoder.PeekKind(); kind == '}' || kind == ']' || kind == 0 {
				return
			}
			if isObject {
				name, err := decoder.ReadToken()
				if err != nil {
					return
				}
				one.name = name.String()
			}
			value, err := decoder.ReadValue()
			if err != nil {
				return
			}
			one.end = from + int(decoder.InputOffset())
			one.value = one.end - len(value)
			if !yield(one) {
				return
			}
		}
	}
}

// memberAt finds the member that a path of names and indices leads to. It is not ok when there is none, or two of a name.
func memberAt(body []byte, tokens []string) (found member, ok bool) {
	from := 0
	for _, step := range tokens {
		ok = false
		for one := range children(body, from) {
			if one.name != step {
				continue
			}
			if ok {
				return member{}, false
			}
			found, ok = one, true
		}
		if !ok {
			return member{}, false
		}
		from = found.value
	}
	return found, ok
}

// scalar returns a string, a number or a boolean as text.
func scalar(raw []byte) (text string, ok bool) {
	switch jsontext.Value(raw).Kind() { //nolint:exhaustive // The others are no text.
	case '"':
		decoded, err := jsontext.AppendUnquote(nil, raw)
		return string(decoded), err == nil
	case '0', 't', 'f':
		return string(raw), true
	default:
		return "", false
	}
}

// WithoutPlace returns the body without the member or the field at the place, and the comma or ampersand that belongs to it.
// Nothing else changes. A body without such a place comes back as it is.
func WithoutPlace(r *Request, place string) []byte {
	if IsForm(r.Header) {
		return withoutField(r.Body, strings.TrimPrefix(place, "/"))
	}
	found, ok := memberAt(r.Body, pointerTokens(place))
	if !ok {
		return r.Body
	}
	begin, end := found.after, found.end
	if r.Body[max(begin-1, 0)] == '{' { // It is the first, so the comma behind it goes.
		if rest := bytes.TrimLeft(r.Body[end:], " \t\r\n"); len(rest) > 0 && rest[0] == ',' {
			end = len(r.Body) - len(rest) + 1
		}
	}
	return append(append(make([]byte, 0, len(r.Body)), r.Body[:begin]...), r.Body[end:]...)
}

func withoutField(body []byte, name string) []byte {
	rest := make([]byte, 0, len(body))
	for _, one := range fieldsOf(body) {
		if one.name == name {
			continue
		}
		if len(rest) > 0 {
			rest = append(rest, '&')
		}
		rest = append(rest, body[one.begin:one.end]...)
	}
	return rest
}

// SetAt puts a text at a place of a draft, in place of what is there.
func SetAt(d *Draft, place, text string) error {
	if name, ok := strings.CutPrefix(place, InQuery); ok {
		query := d.URL.Query()
		query.Set(name, text)
		changed := *d.URL
		changed.RawQuery = query.Encode()
		d.URL = &changed
		return nil
	}
	if name, ok := strings.CutPrefix(place, InHeader); ok {
		d.Header.Set(name, text)
		return nil
	}
	r := d.Received()
	rest := WithoutPlace(r, place)
	if IsForm(d.Header) {
		pair := url.QueryEscape(strings.TrimPrefix(place, "/")) + "=" + url.QueryEscape(text)
		d.Body = []byte(strings.TrimPrefix(string(rest)+"&"+pair, "&"))
		return nil
	}
	return d.setMember(rest, pointerTokens(place), text)
}

// setMember adds a member behind the last one of the object that has it, so that the rest of the body stays as it is.
func (d *Draft) setMember(body []byte, tokens []string, text string) error {
	parent, name := member{end: len(bytes.TrimRight(body, " \t\r\n"))}, tokens[len(tokens)-1]
	if len(tokens) > 1 {
		var ok bool
		if parent, ok = memberAt(body, tokens[:len(tokens)-1]); !ok {
			return errors.New("the body has no object for " + strings.Join(tokens, "/"))
		}
	}
	last := parent.end - 1
	if last < 0 || body[last] != '}' {
		return errors.New("the body is no JSON object that " + name + " could be put into")
	}
	quoted, err := json.Marshal(map[string]string{name: text})
	if err != nil {
		return err
	}
	added := strings.Trim(string(quoted), "{}")
	for range children(body, parent.value) {
		added = "," + added
		break
	}
	d.Body = []byte(string(body[:last]) + added + string(body[last:]))
	return nil
}
