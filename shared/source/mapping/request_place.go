package mapping

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
)

// A place in a request, for what has to be known before anything is stored, is one of
//
//	/type               a JSON pointer into the body; for a form, / and the field's name
//	query:hub.mode      a parameter of the URL
//	header:X-Event      a field of the header
//
// It is looked up without parsing the whole body, and stands any bytes.

// CheckRequestPlace returns what is wrong with a place in a request.
func CheckRequestPlace(place string) error {
	name, isQuery := strings.CutPrefix(place, placeQuery)
	field, isHeader := strings.CutPrefix(place, placeHeader)
	switch {
	case isQuery && name != "", isHeader && isFieldName(field), strings.HasPrefix(place, "/") && len(place) > 1:
		return nil
	}
	return errors.New("is no place in a request; write for example /type, query:token or header:X-Event")
}

// absent begins a condition that holds where a request has nothing at the place.
const absent = "!"

// CheckCondition returns what is wrong with a condition: a place in a request that must have a value, that and = and the
// value, as in /type=confirmation, or ! and a place that must have none.
func CheckCondition(condition string) error {
	place, _, _ := strings.Cut(strings.TrimPrefix(condition, absent), "=")
	if strings.HasPrefix(condition, absent) && strings.Contains(condition, "=") {
		return errors.New("says with ! that there is no value, and with = which one")
	}
	return CheckRequestPlace(place)
}

// ReadsBody reports whether a condition, or a place in a request, is about the body.
func ReadsBody(condition string) bool {
	return strings.HasPrefix(strings.TrimPrefix(condition, absent), "/")
}

// Hold reports whether all conditions hold for a request.
func Hold(conditions []string, r *proof.Request) bool {
	for _, condition := range conditions {
		if place, no := strings.CutPrefix(condition, absent); no {
			if _, there := RequestText(place, r); there {
				return false
			}
			continue
		}
		place, want, exact := strings.Cut(condition, "=")
		got, there := RequestText(place, r)
		if !there || exact && got != want {
			return false
		}
	}
	return true
}

// RequestText returns what a request has at a place, as text, and whether it has anything there.
func RequestText(place string, r *proof.Request) (text string, there bool) {
	if name, ok := strings.CutPrefix(place, placeQuery); ok {
		return r.Query.Get(name), r.Query.Has(name)
	}
	if name, ok := strings.CutPrefix(place, placeHeader); ok {
		values := r.Header.Values(name)
		return r.Header.Get(name), len(values) > 0
	}
	if isFormType(r.Header) {
		return formText(strings.TrimPrefix(place, "/"), r.Body)
	}
	found := gjson.GetBytes(r.Body, gjsonPath(place))
	return scalarOf(found), found.Exists()
}

// scalarOf returns a value as text: a string, or what stands in the body for a number or a boolean.
func scalarOf(found gjson.Result) string {
	switch found.Type { //nolint:exhaustive // Objects, arrays and null have no text.
	case gjson.True, gjson.False:
		return found.Raw
	default:
		return TextOf(found)
	}
}

// gjsonPath returns a JSON pointer as gjson writes it.
func gjsonPath(pointer string) string {
	tokens := notification.PointerTokens(pointer)
	for i, token := range tokens {
		tokens[i] = gjson.Escape(token)
	}
	return strings.Join(tokens, ".")
}

func isFormType(header http.Header) bool {
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded")
}

// formText returns the first value of a form's field. The form is not parsed as a whole: it may have any number of fields.
func formText(name string, body []byte) (text string, there bool) {
	for pair := range strings.SplitSeq(string(body), "&") {
		key, value, _ := strings.Cut(pair, "=")
		if unescaped(key) == name {
			return unescaped(value), true
		}
	}
	return "", false
}

// unescaped undoes the escapes of a form; a text with a broken one stays as it is.
func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}
