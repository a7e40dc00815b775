package mapping

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
)

const (
	placeHeader   = "header:"
	placeQuery    = "query:"
	placeRoot     = "root"
	placeConstant = "constant:"
	placeDigest   = "body"
)

// CheckPlace returns what is wrong with a place, or with several of which the first counts; nil when it can be used.
func CheckPlace(place string) error {
	for one := range alternatives(place) {
		if err := checkOnePlace(one); err != nil {
			return err
		}
	}
	return nil
}

func checkOnePlace(place string) error {
	switch {
	case strings.HasPrefix(place, placeKey):
		return checkKeyPlace(place)
	case place == "", place == placeDigest, place == placeRoot, strings.HasPrefix(place, "/"):
		return nil
	case strings.HasPrefix(place, placeConstant) && place != placeConstant:
		return nil
	case strings.HasPrefix(place, placeHeader) && isFieldName(strings.TrimPrefix(place, placeHeader)):
		return nil
	case strings.HasPrefix(place, placeQuery) && isFieldName(strings.TrimPrefix(place, placeQuery)):
		return nil
	case strings.HasPrefix(place, "$"):
		if _, err := pathTokens(place); err != nil {
			return err
		}
		return nil
	}
	return errors.New("is no place; write for example /event/type, $.event.type, header:X-Event, query:event, constant:order, key:message,edit, root or body")
}

// isFieldName reports whether the text can be the name of a header field, or of a parameter.
func isFieldName(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_", r)
	})
}

// Text returns what the document has at the place, "" when that is no string or number.
func (m Mapping) Text(place string, n *notification.Notification, body *notification.Document) string {
	for one := range alternatives(place) {
		if text := textAt(one, n, body); text != "" {
			return text
		}
	}
	return ""
}

func textAt(place string, n *notification.Notification, body *notification.Document) string {
	if text, ok := fixed(place, n); ok {
		return text
	}
	switch place {
	case placeDigest:
		return body.Fingerprint()
	case placeRoot:
		return rootOf(body)
	}
	if strings.HasPrefix(place, placeKey) {
		return keyIn(place, body)
	}
	value, _ := body.Pointer(pointerOf(place))
	return notification.TextOf(value)
}

// rootOf returns the name of a document's only member, "" where it has none or several.
func rootOf(body *notification.Document) string {
	if len(body.Root()) != 1 {
		return ""
	}
	for name := range body.Root() {
		return name
	}
	return ""
}

// fixed returns the text of a place that needs no look into the body; not ok for the others.
func fixed(place string, n *notification.Notification) (text string, ok bool) {
	if place == "" {
		return "", true
	}
	if text, ok := strings.CutPrefix(place, placeConstant); ok {
		return text, true
	}
	if name, ok := strings.CutPrefix(place, placeHeader); ok {
		return n.Header[http.CanonicalHeaderKey(name)], true
	}
	if name, ok := strings.CutPrefix(place, placeQuery); ok {
		return n.Header[QueryField+name], true
	}
	return "", false
}

// Peek is text for a body that was not parsed. What a divided request has in it may differ from part to part: that is "".
func (m Mapping) Peek(place string, n *notification.Notification) string {
	for one := range alternatives(place) {
		if m.isOfPart(one) {
			return ""
		}
		if text := peekAt(one, n); text != "" {
			return text
		}
	}
	return ""
}

func peekAt(place string, n *notification.Notification) string {
	if text, ok := fixed(place, n); ok || place == placeDigest || place == placeRoot {
		return text
	}
	if strings.HasPrefix(place, placeKey) {
		return peekKey(place, n.Body)
	}
	return TextOf(gjson.GetBytes(n.Body, gjsonPath(pointerOf(place))))
}

// pointerOf returns a place in the body as a JSON pointer.
func pointerOf(place string) string {
	if !strings.HasPrefix(place, "$") {
		return place
	}
	tokens, err := pathTokens(place)
	if err != nil {
		return ""
	}
	pointer := ""
	for _, token := range tokens {
		pointer += "/" + strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
	}
	return pointer
}

// pathTokens splits a JSON path of names and indices, as in $.data.items[0].id or $['data'].
func pathTokens(path string) ([]string, error) {
	wrong := errors.New("is no JSON path of names and indices; write for example $.items[0].id")
	rest, ok := strings.CutPrefix(path, "$")
	if !ok || rest == "" {
		return nil, wrong
	}
	var tokens []string
	for rest != "" {
		var step string
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			step, rest = rest[1:end], rest[end:]
		case '[':
			inner, after, closed := strings.Cut(rest[1:], "]")
			if !closed {
				return nil, wrong
			}
			step, rest = strings.Trim(inner, `'"`), after
			if _, err := strconv.Atoi(inner); err != nil && step == inner {
				return nil, wrong
			}
		default:
			return nil, wrong
		}
		if step == "" || step == "*" {
			return nil, wrong
		}
		tokens = append(tokens, step)
	}
	return tokens, nil
}

// TextOf returns a string or number as text, as notification.TextOf does. A number keeps its digits: as a float an id would
// lose the last ones.
func TextOf(found gjson.Result) string {
	switch found.Type { //nolint:exhaustive // Everything else is no id.
	case gjson.String:
		return found.Str
	case gjson.Number:
		return notification.WholeNumber(found.Raw)
	default:
		return ""
	}
}

// maxPlaces is up to how many places are named that take each other's place.
const maxPlaces = 3

// DescribePlaces names several places of which the first counts that leads to something; of many, the first one.
func DescribePlaces(places string) string {
	var texts []string
	for place := range alternatives(places) {
		if text, isConstant := strings.CutPrefix(place, placeConstant); isConstant {
			place = text
		}
		if place != "" {
			texts = append(texts, "`"+place+"`")
		}
	}
	if len(texts) > maxPlaces {
		return fmt.Sprintf("%s, else one of %d others", texts[0], len(texts)-1)
	}
	return strings.Join(texts, ", else ")
}
