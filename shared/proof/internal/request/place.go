package request

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A place in a request is one of
//
//	/signature/token    a JSON pointer (RFC 6901) into the body; for a form, / and the field's name
//	query:sign          a parameter of the URL
//	header:X-Time       a field of the header
//
// Bodies are looked at without parsing them as a whole: their sender has yet to prove himself.
const (
	// InQuery begins a place in the URL, InHeader one in the header. Any other one is in the body.
	InQuery  = "query:"
	InHeader = "header:"
)

// CheckPlace returns what is wrong with a place.
func CheckPlace(place string) error {
	query, isQuery := strings.CutPrefix(place, InQuery)
	header, isHeader := strings.CutPrefix(place, InHeader)
	if isQuery && query != "" || isHeader && header != "" || InBody(place) {
		return nil
	}
	return errors.New("is no place in a request; write for example /sign, query:sign or header:X-Sign")
}

// InBody reports whether the place is in the body.
func InBody(place string) bool { return strings.HasPrefix(place, "/") && len(place) > 1 }

// TextAt returns what a request has at a place, "" when that is no string, number or boolean, or is there twice.
func TextAt(place string, r *Request) string {
	if name, ok := strings.CutPrefix(place, InQuery); ok {
		return Only(Distinct(r.Query[name]))
	}
	if name, ok := strings.CutPrefix(place, InHeader); ok {
		return Only(Distinct(r.Header.Values(name)))
	}
	if IsForm(r.Header) {
		return Only(valuesOf(r.Body, strings.TrimPrefix(place, "/")))
	}
	member, ok := memberAt(r.Body, pointerTokens(place))
	if !ok {
		return ""
	}
	text, _ := scalar(r.Body[member.value:member.end])
	return text
}

// Only returns the value where there is one, and "" where there are none or several.
func Only(values []string) string {
	if len(values) != 1 {
		return ""
	}
	return values[0]
}

// IsForm reports whether the body is a form, as its content type says.
func IsForm(header http.Header) bool {
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded")
}

// pointerTokens takes a JSON pointer apart.
func pointerTokens(pointer string) []string {
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, token := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return tokens
}

// field is a field of a form, with the places where its pair begins and ends.
type field struct {
	name, value string
	begin, end  int
}

// maxFormFields is how many fields of a form are looked at.
const maxFormFields = 10_000

// fieldsOf returns the fields of a form in their order. An escape that is broken stands for itself.
func fieldsOf(body []byte) []field {
	var fields []field
	for begin := 0; begin < len(body) && len(fields) < maxFormFields; {
		end := begin + len(body[begin:])
		if i := bytes.IndexByte(body[begin:], '&'); i >= 0 {
			end = begin + i
		}
		if name, value, _ := strings.Cut(string(body[begin:end]), "="); name != "" {
			fields = append(fields, field{unescape(name), unescape(value), begin, end})
		}
		begin = end + 1
	}
	return fields
}

func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

func valuesOf(body []byte, name string) []string {
	var values []string
	for _, one := range fieldsOf(body) {
		if one.name == name {
			values = append(values, one.value)
		}
	}
	return values
}

// WriteForm writes names and values of a form, sorted by both; of equal ones, one. A body that is no form has none.
// Source: https://www.twilio.com/docs/usage/security#validating-requests
func WriteForm(w io.Writer, r *Request) {
	if !IsForm(r.Header) {
		return
	}
	fields := fieldsOf(r.Body)
	slices.SortFunc(fields, func(a, b field) int {
		return firstOf(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	for i, one := range fields {
		if i > 0 && one.name == fields[i-1].name && one.value == fields[i-1].value {
			continue
		}
		_, _ = io.WriteString(w, one.name+one.value)
	}
}

func firstOf(comparisons ...int) int {
	for _, one := range comparisons {
		if one != 0 {
			return one
		}
	}
	return 0
}

// WriteValues writes the values of all fields of a form, or of all members of an object that are a string, a number or a
// boolean, sorted by their names, without the one at the place own. A secret takes part as a field of that name.
// Source: https://developer.tbank.ru/eacq/intro/developer/notification
func WriteValues(w io.Writer, r *Request, own, secretName, secret string) {
	fields := objectFields(r)
	if secretName != "" {
		fields = append(fields, field{name: secretName, value: secret})
	}
	slices.SortStableFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	for _, one := range fields {
		if "/"+one.name != own {
			_, _ = io.WriteString(w, one.value)
		}
	}
}

func objectFields(r *Request) []field {
	if IsForm(r.Header) {
		return fieldsOf(r.Body)
	}
	var fields []field
	for one := range children(r.Body, 0) {
		if text, ok := scalar(r.Body[one.value:one.end]); ok && len(fields) < maxFormFields {
			fields = append(fields, field{name: one.name, value: text})
		}
	}
	return fields
}
