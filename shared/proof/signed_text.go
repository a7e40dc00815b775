package proof

import (
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// The places in the text that is signed. Beside them, {header:NAME} is a field of the request and {/a/b} a value of its body.
const (
	placeBody      = "{body}"
	placeUnsigned  = "{body:unsigned}"
	placeSHA256    = "{body:sha256}"
	placeCRC32     = "{body:crc32}"
	placeForm      = "{form:sorted}"
	placeValues    = "{values:sorted}"
	placeTimestamp = "{timestamp}"
	placeID        = "{id}"
	placeMethod    = "{method}"
	placeURL       = "{url}"
	placePath      = "{path}"
	placeQuery     = "{query}"
	placeSecret    = "{secret}"

	beginHeader = "{header:"
	beginValues = "{values:sorted+"
	beginInBody = "{/"
)

// template is a signed text, taken apart: literal pieces and places in their order.
type template []string

// placeLike finds what is meant as a place. Any other brace means itself.
var placeLike = regexp.MustCompile(`\{(?:[a-z][a-z0-9]*(?::[A-Za-z0-9+_-]+)?|/[^{}]*)\}`)

// parseTemplate takes a text apart. Its error names the first place that is none.
func parseTemplate(text string) (template, error) {
	var parts template
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
	case placeBody, placeUnsigned, placeSHA256, placeCRC32, placeForm, placeValues, placeTimestamp, placeID, placeMethod,
		placeURL, placePath, placeQuery, placeSecret:
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

func (t template) has(place string) bool {
	for _, part := range t {
		if part == place {
			return true
		}
	}
	return false
}

// coversBody reports whether the text changes with the body, or with a part of it.
func (t template) coversBody() bool {
	for _, part := range t {
		switch part {
		case placeBody, placeUnsigned, placeSHA256, placeCRC32, placeForm, placeValues:
			return true
		}
		if isPlace(part) && (strings.HasPrefix(part, beginValues) || strings.HasPrefix(part, beginInBody)) {
			return true
		}
	}
	return false
}

// hasSecret reports whether the secret is a part of the text.
func (t template) hasSecret() bool {
	for _, part := range t {
		if _, ok := argument(part, beginValues); ok || part == placeSecret {
			return true
		}
	}
	return false
}

// headers returns the canonical names of the fields in the text.
func (t template) headers() []string {
	var names []string
	for _, part := range t {
		if name, ok := argument(part, beginHeader); ok {
			names = append(names, http.CanonicalHeaderKey(name))
		}
	}
	return names
}

// signedText is a template together with what it needs to know of the signature.
type signedText struct {
	template

	// url is where the sender sees the gateway, without the request's path.
	url string
	// own is the place of the signature in the body, which it can't cover; empty when it is elsewhere.
	own string
}

// write writes the text of a request, piece by piece.
func (t signedText) write(w io.Writer, r *Request, p *presented, secret []byte) {
	for _, part := range t.template {
		t.writePart(w, part, r, p, secret)
	}
}

func (t signedText) writePart(w io.Writer, part string, r *Request, p *presented, secret []byte) { //nolint:gocyclo // A case for each place.
	text := part
	switch part {
	case placeBody:
		_, _ = w.Write(r.Body)
		return
	case placeUnsigned:
		_, _ = w.Write(withoutPlace(r, t.own))
		return
	case placeSecret:
		_, _ = w.Write(secret)
		return
	case placeSHA256:
		text = bodyDigest(r.Body)
	case placeCRC32:
		text = strconv.FormatUint(uint64(crc32.ChecksumIEEE(r.Body)), 10)
	case placeForm:
		writeForm(w, r)
		return
	case placeValues:
		writeValues(w, r, t.own, "", "")
		return
	case placeTimestamp:
		text = p.timestamp
	case placeID:
		text = p.id
	case placeMethod:
		text = r.Method
	case placeURL:
		text = t.url + r.target()
	case placePath:
		text = r.Path
	case placeQuery:
		text = r.RawQuery
	default:
		if name, ok := argument(part, beginHeader); ok {
			text = r.Header.Get(name)
		} else if name, ok := argument(part, beginValues); ok {
			writeValues(w, r, t.own, name, string(secret))
			return
		} else if place, ok := argument(part, beginInBody); ok {
			text = textAt("/"+place, r)
		}
	}
	_, _ = io.WriteString(w, text)
}
