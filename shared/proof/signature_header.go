package proof

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice.internal/shared/proof/internal/keys"
	"sluice.internal/shared/proof/internal/request"
)

// elements splits the header with the signature. A header that must not have several that differ and has is none: nobody
// knows which of them counts.
func (s signature) elements(r *Request) []string {
	values := r.Header.Values(s.Header)
	if s.Header == "" {
		values = []string{request.TextAt(s.At, r)}
	}
	if s.Separator == "" {
		if values = Distinct(values); len(values) != 1 {
			return nil
		}
		return values
	}
	var elements []string
	for _, value := range values {
		for element := range strings.SplitSeq(value, s.Separator) {
			if element = strings.TrimSpace(element); element != "" {
				elements = append(elements, element)
			}
			if len(elements) == maxElements {
				return elements
			}
		}
	}
	return elements
}

// present reads signatures, time and id.
func (s signature) present(r *Request) presented {
	var p presented
	if at := s.timestampPlaceOf(); at != "" {
		p.timestamp = bounded(request.TextAt(at, r))
	}
	if at := s.idPlaceOf(); at != "" {
		p.id = bounded(request.TextAt(at, r))
	}
	for _, element := range s.elements(r) {
		s.presentElement(&p, element)
	}
	if s.hasTime() {
		at, ok := ParseTimestamp(p.timestamp)
		p.skew = r.At.Sub(at)
		p.stale = !ok || magnitude(p.skew) > s.Tolerance
	}
	if s.hasID() && p.id == "" {
		p.given, p.public = nil, nil
	}
	return p
}

// presentElement reads one element of the header: the time or a signature.
func (s signature) presentElement(p *presented, element string) {
	if timestamp, ok := strings.CutPrefix(element, s.TimestampPrefix); ok && s.TimestampPrefix != "" {
		p.timestamp = bounded(timestamp)
		return
	}
	if text, ok := strings.CutPrefix(element, s.Prefix); ok {
		if code, ok := s.decode(text); ok && s.isCode(code) && (!s.IsPublic() || len(p.given) < maxPublic) {
			p.given = append(p.given, code)
		}
	} else if code, ok := s.publicSignature(element); ok && len(p.public) < maxPublic {
		p.public = append(p.public, code)
	}
}

func bounded(text string) string { return text[:min(len(text), maxLabel)] }

// magnitude returns the duration without its sign; the smallest Duration has no positive counterpart.
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

const (
	// MaxUnixTime is the last second since 1970 that RFC 3339 can write: the end of the year 9999.
	MaxUnixTime = 253402300799
	// minMillis is the number from which on a time counts milliseconds. As seconds it would be the year 5138.
	minMillis = 100_000_000_000
)

// UnitOf returns what a time counts that is written as a number since 1970: seconds, or less where these would lie beyond all
// that a sender can mean.
func UnitOf(number int64) time.Duration {
	switch {
	case number < minMillis:
		return time.Second
	case number/1000 <= MaxUnixTime:
		return time.Millisecond
	case number/1_000_000 <= MaxUnixTime:
		return time.Microsecond
	default:
		return time.Nanosecond
	}
}

// ParseTimestamp reads a time as senders write it: in seconds, milliseconds, microseconds or nanoseconds since 1970, or as RFC
// 3339. It is not ok for anything else, nor for a time before 1970 that is written as a number.
func ParseTimestamp(text string) (at time.Time, ok bool) {
	text = strings.TrimSpace(text)
	if number, err := strconv.ParseInt(text, 10, 64); err == nil {
		if number < 0 {
			return time.Time{}, false
		}
		unit := UnitOf(number)
		perSecond := int64(time.Second / unit)
		return time.Unix(number/perSecond, number%perSecond*int64(unit)), true
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
		return keys.DecodeBase64(text)
	}
	code, err := hex.DecodeString(text)
	return code, err == nil
}

func (s signature) diagnose(r *Request, p *presented, hints Hints) *Refusal {
	there := len(Distinct(r.Header.Values(s.Header)))
	if s.Header == "" && request.TextAt(s.At, r) != "" {
		there = 1
	}
	switch {
	case there == 0:
		return s.missing(r, hints.SignatureHeaders)
	case s.Separator == "" && there > 1:
		return malformed("the request has more than one %s header, and they differ", s.Header)
	case s.hasID() && p.id == "":
		return malformed("the request has no %s, which is signed with the body", named(s.idPlaceOf()))
	case len(p.given) == 0 && len(p.public) == 0:
		return s.unreadable(r)
	}
	if _, ok := ParseTimestamp(p.timestamp); !ok && s.hasTime() {
		if p.timestamp == "" {
			return malformed("the request does not say when it was signed; that belongs into %s", s.timestampPlace())
		}
		return malformed("the time in %s is neither a number of seconds nor as in RFC 3339", s.timestampPlace())
	}
	if s.BodyDigestAt != "" && !s.bodyDigestFits(r) {
		return &Refusal{Cause: CauseBodyAltered, Detail: fmt.Sprintf("the request has another digest in %s than that of its body", named(s.BodyDigestAt))}
	}
	return nil
}

// named names a place to the operator.
func named(place string) string {
	if name, ok := strings.CutPrefix(place, request.InHeader); ok {
		return name + " header"
	}
	return place
}

func malformed(format string, args ...any) *Refusal {
	return &Refusal{Cause: CauseMalformed, Detail: fmt.Sprintf(format, args...)}
}

// timestampPlace names where the time belongs.
func (s signature) timestampPlace() string {
	if s.TimestampPrefix != "" {
		return s.place() + ", behind " + s.TimestampPrefix
	}
	return strings.TrimPrefix(s.timestampPlaceOf(), request.InHeader)
}

// missing looks for the signature in headers of other providers.
func (s signature) missing(r *Request, headers []string) *Refusal {
	for _, name := range otherHeaders(headers) {
		if r.Header.Get(name) != "" && name != s.Header {
			return &Refusal{Cause: CauseWrongHeader, Detail: fmt.Sprintf("the request has no signature in %s, but one in %s; "+
				"is it another provider's, or is signature.header to be configured?", s.place(), name)}
		}
	}
	if s.Header == "" {
		return &Refusal{Cause: CauseNoSignature, Detail: fmt.Sprintf("the request has no signature in %s; is a secret set at the sender?", s.At)}
	}
	return &Refusal{Cause: CauseNoSignature, Detail: fmt.Sprintf("the request has no %s header; is a secret set at the sender?", s.Header)}
}

// otherHeaders returns the headers in which a misplaced signature is looked for: the given ones, and those that senders
// without a provider of their own use most.
func otherHeaders(headers []string) []string {
	names := append([]string{"X-Hub-Signature", "X-Signature", "X-Signature-256", "X-Webhook-Signature", "Svix-Signature", "Signature"},
		headers...)
	slices.Sort(names)
	return slices.Compact(names)
}

// unreadable says why no element of the header can be read as a signature.
func (s signature) unreadable(r *Request) *Refusal {
	elements, with := s.elements(r), []string{}
	for _, element := range elements {
		if text, ok := strings.CutPrefix(element, s.Prefix); ok {
			with = append(with, text)
		} else if code, ok := s.decode(element); ok && s.isCode(code) {
			return &Refusal{Cause: CauseNoPrefix, Detail: fmt.Sprintf("the signature in %s has no %q in front of it", s.place(), s.Prefix)}
		}
	}
	for _, text := range with {
		if refusal := s.unfit(text); refusal != nil {
			return refusal
		}
	}
	if len(with) == 0 && s.Prefix != "" {
		return &Refusal{Cause: CauseNoPrefix, Detail: fmt.Sprintf("nothing in %s begins with %q", s.place(), s.Prefix)}
	}
	return malformed("the signature in %s is not in %s", s.place(), s.Encoding)
}

// unfit says what is wrong with a text that is no signature of this description. It returns nil for a text that nobody can
// have meant as a signature.
func (s signature) unfit(text string) *Refusal {
	if s.size() == 0 { // Any length may be right.
		return nil
	}
	if code, err := hex.DecodeString(text); err == nil && len(code) == s.size() && s.Encoding == EncodingBase64 {
		return &Refusal{Cause: CauseHexForBase64, Detail: fmt.Sprintf("the signature in %s is in hexadecimal digits, expected is base64", s.place())}
	}
	if code, ok := keys.DecodeBase64(text); ok && len(code) == s.size() && s.Encoding == EncodingHex {
		return &Refusal{Cause: CauseBase64ForHex, Detail: fmt.Sprintf("the signature in %s is in base64, expected are hexadecimal digits", s.place())}
	}
	if code, ok := s.decode(text); ok && len(code) > 0 {
		return malformed("the signature in %s has %d bytes, with %s it has %d; was it cut off, or is another hash used?",
			s.place(), len(code), s.Hash, s.size())
	}
	return nil
}
