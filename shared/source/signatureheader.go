package source

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// elements are the parts of the header that has the signature.
func (s signature) elements(r *Request) []string {
	values := r.Header.Values(s.Header)
	if s.Separator == "" {
		if len(values) != 1 {
			return nil // Of two, nobody knows which counts.
		}
		return []string{strings.TrimSpace(values[0])}
	}
	var elements []string
	for _, value := range values {
		for element := range strings.SplitSeq(value, s.Separator) {
			if element = strings.TrimSpace(element); element != "" {
				elements = append(elements, element)
			}
			if len(elements) == mostElements {
				return elements
			}
		}
	}
	return elements
}

// show reads signatures, time and id.
func (s signature) show(r *Request) shown {
	var what shown
	stamped := s.TimestampHeader != "" || s.TimestampPrefix != ""
	if s.TimestampHeader != "" {
		what.stamp = bounded(r.Header.Get(s.TimestampHeader))
	}
	if s.IDHeader != "" {
		what.id = bounded(r.Header.Get(s.IDHeader))
	}
	for _, element := range s.elements(r) {
		if stamp, ok := strings.CutPrefix(element, s.TimestampPrefix); ok && s.TimestampPrefix != "" {
			what.stamp = bounded(stamp)
			continue
		}
		if text, ok := strings.CutPrefix(element, s.Prefix); ok {
			if code, ok := s.decode(text); ok && len(code) == s.size() {
				what.given = append(what.given, code)
			}
		}
	}
	if stamped {
		at, ok := parseStamp(what.stamp)
		what.skew = r.At.Sub(at)
		what.stale = !ok || magnitude(what.skew) > s.Tolerance
	}
	if s.IDHeader != "" && what.id == "" {
		what.given = nil
	}
	return what
}

func bounded(text string) string { return text[:min(len(text), maxStamp)] }

func magnitude(d time.Duration) time.Duration {
	switch {
	case d == math.MinInt64:
		return math.MaxInt64
	case d < 0:
		return -d
	default:
		return d
	}
}

// earliestMillis is the number from which on a time counts milliseconds: as seconds it would be the year 5138.
const earliestMillis = 100_000_000_000

// parseStamp reads a time in seconds or milliseconds since 1970, or as RFC 3339.
func parseStamp(text string) (at time.Time, ok bool) {
	text = strings.TrimSpace(text)
	if number, err := strconv.ParseInt(text, 10, 64); err == nil {
		if number < 0 || number > endOfTime*1000 {
			return time.Time{}, false
		}
		if number >= earliestMillis {
			return time.UnixMilli(number), true
		}
		return time.Unix(number, 0), true
	}
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}

func (s signature) encode(code []byte) string {
	if s.Encoding == EncodingBase64 {
		return base64.StdEncoding.EncodeToString(code)
	}
	return hex.EncodeToString(code)
}

func (s signature) decode(text string) (code []byte, ok bool) {
	if s.Encoding == EncodingBase64 {
		return decodeBase64(text)
	}
	code, err := hex.DecodeString(text)
	return code, err == nil
}

// decodeBase64 reads both alphabets, with padding or without.
func decodeBase64(text string) (code []byte, ok bool) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	code, err := base64.RawStdEncoding.DecodeString(text)
	return code, err == nil
}

// diagnose says what is wrong with the form of the header.
func (s signature) diagnose(r *Request, what *shown) *Refusal {
	values := r.Header.Values(s.Header)
	switch {
	case len(values) == 0:
		return s.missing(r)
	case s.Separator == "" && len(values) > 1:
		return malformed("the request has more than one %s header", s.Header)
	case s.IDHeader != "" && what.id == "":
		return malformed("the request has no %s header, which is signed with the body", s.IDHeader)
	case len(what.given) == 0:
		return s.unreadable(r)
	}
	if _, ok := parseStamp(what.stamp); !ok && (s.TimestampHeader != "" || s.TimestampPrefix != "") {
		if what.stamp == "" {
			return malformed("the request does not say when it was signed; that belongs into %s", s.stampPlace())
		}
		return malformed("the time in %s is neither a number of seconds nor as in RFC 3339", s.stampPlace())
	}
	return nil
}

func malformed(format string, args ...any) *Refusal {
	return &Refusal{Cause: CauseMalformed, Detail: fmt.Sprintf(format, args...)}
}

func (s signature) stampPlace() string {
	if s.TimestampHeader != "" {
		return s.TimestampHeader
	}
	return s.Header + ", behind " + s.TimestampPrefix
}

// missing looks for the signature in other headers.
func (s signature) missing(r *Request) *Refusal {
	for _, name := range signatureHeaders() {
		if r.Header.Get(name) != "" && name != s.Header {
			return &Refusal{Cause: CauseWrongHeader, Detail: fmt.Sprintf("the request has no %s header, but a signature in %s; "+
				"is it another provider's, or is signature.header to be configured?", s.Header, name)}
		}
	}
	return &Refusal{Cause: CauseNoSignature, Detail: fmt.Sprintf("the request has no %s header; is a secret set at the sender?", s.Header)}
}

// signatureHeaders are where signatures are looked for that are in the wrong place: those of all providers, and what
// is used elsewhere.
func signatureHeaders() []string {
	names := []string{"X-Hub-Signature", "X-Signature", "X-Signature-256", "X-Webhook-Signature", "Svix-Signature", "Signature"}
	for _, provider := range registry {
		if own, ok := provider.Proof.(signature); ok {
			names = append(names, own.Header)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// unreadable says why no element of the header is a signature.
func (s signature) unreadable(r *Request) *Refusal {
	elements, with := s.elements(r), []string{}
	for _, element := range elements {
		if text, ok := strings.CutPrefix(element, s.Prefix); ok {
			with = append(with, text)
		} else if code, ok := s.decode(element); ok && len(code) == s.size() {
			return &Refusal{Cause: CauseNoPrefix, Detail: fmt.Sprintf("the signature in %s has no %q in front of it", s.Header, s.Prefix)}
		}
	}
	for _, text := range with {
		if refusal := s.unfit(text); refusal != nil {
			return refusal
		}
	}
	if len(with) == 0 && s.Prefix != "" {
		return &Refusal{Cause: CauseNoPrefix, Detail: fmt.Sprintf("nothing in %s begins with %q", s.Header, s.Prefix)}
	}
	return malformed("the signature in %s is not in %s", s.Header, s.Encoding)
}

// unfit says what is wrong with a text that is no signature, nil when it is nothing that could be meant as one.
func (s signature) unfit(text string) *Refusal {
	if code, err := hex.DecodeString(text); err == nil && len(code) == s.size() && s.Encoding == EncodingBase64 {
		return &Refusal{Cause: CauseHexForBase64, Detail: fmt.Sprintf("the signature in %s is in hexadecimal digits, expected is base64", s.Header)}
	}
	if code, ok := decodeBase64(text); ok && len(code) == s.size() && s.Encoding == EncodingHex {
		return &Refusal{Cause: CauseBase64ForHex, Detail: fmt.Sprintf("the signature in %s is in base64, expected are hexadecimal digits", s.Header)}
	}
	if code, ok := s.decode(text); ok && len(code) > 0 {
		return malformed("the signature in %s has %d bytes, with %s it has %d; was it cut off, or is another hash used?",
			s.Header, len(code), s.Hash, s.size())
	}
	return nil
}
