// Package signed has the text that a signature covers: a template of literal pieces and places, and how it is written for a
// request. It knows neither keys nor algorithms.
package signed

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"sluice.internal/shared/proof/internal/request"
)

// The places in the text that is signed. Beside them, {header:NAME} is a field of the request and {/a/b} a value of its body.
const (
	PlaceBody      = "{body}"
	PlaceUnsigned  = "{body:unsigned}"
	PlaceSHA256    = "{body:sha256}"
	PlaceCRC32     = "{body:crc32}"
	PlaceForm      = "{form:sorted}"
	PlaceValues    = "{values:sorted}"
	PlaceTimestamp = "{timestamp}"
	PlaceID        = "{id}"
	PlaceMethod    = "{method}"
	PlaceURL       = "{url}"
	PlacePath      = "{path}"
	PlaceQuery     = "{query}"
	PlaceSecret    = "{secret}"

	beginHeader = "{header:"
	beginValues = "{values:sorted+"
	beginInBody = "{/"
)

// Template is a signed text, taken apart: literal pieces and places in their order.
type Template []string

// placeLike finds what is meant as a place. Any other brace means itself.
var placeLike = regexp.MustCompile(`\{(?:[a-z][a-z0-9]*(?::[A-Za-z0-9+_-]+)?|/[^{}]*)\}`)

// Parse takes a text apart. Its error names the first place that is none.
func Parse(text string) (Template, error) {
	var parts Template
	last := 0
	for _, at := range placeLike.FindAllStringIndex(text, -1) {
		place := text[at[0]:at[1]]
		if !isPlace(place) {
			return nil, fmt.Errorf("signature.signed has %s in it, which is none of {body}, {body:unsigned}, {body:sha256}, {body:crc32}, {form:sorted}, "+
				"{values:sorted}, {values:sorted+NAME}, {timestamp}, {id}, {method}, {url}, {path}, {query}, {secret}, {header:NAME} and {/place/in/body}", place)
		}
		if at[0] > last {
			parts = append(parts, text[last:at[0]])
		}
		parts = append(parts, place)
		last = at[1]
	}
	if last < len(text) {
		parts = append(parts, text[last:])
	}
	return parts, nil
}

func isPlace(part string) bool {
	switch part {
	case PlaceBody, PlaceUnsigned, PlaceSHA256, PlaceCRC32, PlaceForm, PlaceValues, PlaceTimestamp, PlaceID, PlaceMethod,
		PlaceURL, PlacePath, PlaceQuery, PlaceSecret:
		return true
	}
	for _, begin := range []string{beginHeader, beginValues, beginInBody} {
		if strings.HasPrefix(part, begin) && strings.HasSuffix(part, "}") && len(part) > len(begin)+1 {
			return true
		}
	}
	return false
}

// argument returns what stands in a place behind its beginning; not ok for another kind of place.
func argument(part, begin string) (text string, ok bool) {
	text, ok = strings.CutPrefix(part, begin)
	return strings.TrimSuffix(text, "}"), ok && isPlace(part)
}

// Has reports whether a place is a part of the text.
func (t Template) Has(place string) bool {
	for _, part := range t {
		if part == place {
			return true
		}
	}
	return false
}

// CoversBody reports whether the text changes with the body, or with a part of it.
func (t Template) CoversBody() bool {
	for _, part := range t {
		switch part {
		case PlaceBody, PlaceUnsigned, PlaceSHA256, PlaceCRC32, PlaceForm, PlaceValues:
			return true
		}
		if isPlace(part) && (strings.HasPrefix(part, beginValues) || strings.HasPrefix(part, beginInBody)) {
			return true
		}
	}
	return false
}

// HasSecret reports whether the secret is a part of the text.
func (t Template) HasSecret() bool {
	for _, part := range t {
		if _, ok := argument(part, beginValues); ok || part == PlaceSecret {
			return true
		}
	}
	return false
}

// Headers returns the canonical names of the fields in the text.
func (t Template) Headers() []string {
	var names []string
	for _, part := range t {
		if name, ok := argument(part, beginHeader); ok {
			names = append(names, http.CanonicalHeaderKey(name))
		}
	}
	return names
}

// Text is a template together with what it needs to know of the signature.
type Text struct {
	Template

	// URL is where the sender sees the gateway, without the request's path.
	URL string
	// Own is the place of the signature in the body, which it can't cover; empty when it is elsewhere.
	Own string
}

// Values are what a signed text has beside what stands in the request at a place that its name says.
type Values struct {
	// Timestamp is the time of signing as the request writes it, ID the signed id.
	Timestamp, ID string
	// Secret is nil for texts without it.
	Secret []byte
}

// Write writes the text of a request, piece by piece.
func (t Text) Write(w io.Writer, r *request.Request, values Values) {
	for _, part := range t.Template {
		t.writePart(w, part, r, values)
	}
}

func (t Text) writePart(w io.Writer, part string, r *request.Request, values Values) { //nolint:gocyclo // A case for each place.
	text := part
	switch part {
	case PlaceBody:
		_, _ = w.Write(r.Body)
		return
	case PlaceUnsigned:
		_, _ = w.Write(request.WithoutPlace(r, t.Own))
		return
	case PlaceSecret:
		_, _ = w.Write(values.Secret)
		return
	case PlaceSHA256:
		text = BodyDigest(r.Body)
	case PlaceCRC32:
		text = strconv.FormatUint(uint64(crc32.ChecksumIEEE(r.Body)), 10)
	case PlaceForm:
		request.WriteForm(w, r)
		return
	case PlaceValues:
		request.WriteValues(w, r, t.Own, "", "")
		return
	case PlaceTimestamp:
		text = values.Timestamp
	case PlaceID:
		text = values.ID
	case PlaceMethod:
		text = r.Method
	case PlaceURL:
		text = t.URL + r.Target()
	case PlacePath:
		text = r.Path
	case PlaceQuery:
		text = r.RawQuery
	default:
		if name, ok := argument(part, beginHeader); ok {
			text = r.Header.Get(name)
		} else if name, ok := argument(part, beginValues); ok {
			request.WriteValues(w, r, t.Own, name, string(values.Secret))
			return
		} else if place, ok := argument(part, beginInBody); ok {
			text = request.TextAt("/"+place, r)
		}
	}
	_, _ = io.WriteString(w, text)
}

// BodyDigest returns the SHA-256 of a body in hexadecimal digits.
func BodyDigest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
