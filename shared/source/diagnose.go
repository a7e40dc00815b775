package source

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// LongestDiagnosed is the largest body, in bytes, that is computed with again to find out what is wrong. Of a longer
	// one the beginning is enough.
	LongestDiagnosed = 256 << 10
	// mostOthers is how many secrets of other sources are tried.
	mostOthers = 64
)

// Diagnose finds out why the request was refused, for the operator alone. Others are the verifiers of the other sources
// by name. It costs as much as some hundred verifications at the most and is meant to run after the answer.
func (v *Verifier) Diagnose(r *Request, others map[string]*Verifier) *Refusal {
	s := v.proof.show(r)
	if refusal := v.proof.diagnose(r, &s); refusal != nil {
		return refusal
	}
	if len(r.Body) > LongestDiagnosed {
		refusal := v.proof.wrong()
		refusal.Detail += "; the body is too large to find out more"
		return refusal
	}
	for _, find := range []func() *Refusal{
		func() *Refusal { return v.skewed(r, &s) },
		func() *Refusal { return v.expired(r, &s) },
		func() *Refusal { return v.strange(r, &s, others) },
		func() *Refusal { return v.bodyAltered(r, &s) },
	} {
		if refusal := find(); refusal != nil {
			return refusal
		}
	}
	return v.proof.wrong()
}

func (v *Verifier) skewed(r *Request, s *shown) *Refusal {
	if !s.stale || !v.match(r, s, func(secret Secret) bool { return secret.validAt(r.At) }).OK {
		return nil
	}
	direction, skew := "behind", s.skew
	if skew < 0 {
		direction, skew = "ahead of", -skew
	}
	return &Refusal{Cause: CauseClockSkew, Detail: fmt.Sprintf("the signature is right, but its time is %d seconds %s this clock; "+
		"set the clocks, raise the tolerance, or it is an old request that somebody sends again", int64(skew/time.Second), direction)}
}

func (v *Verifier) expired(r *Request, s *shown) *Refusal {
	verdict := v.match(r, s, func(secret Secret) bool { return !secret.validAt(r.At) })
	if !verdict.OK {
		return nil
	}
	secret := v.secrets[verdict.Secret]
	when := "is no longer valid since " + secret.Until.UTC().Format(time.RFC3339)
	if r.At.Before(secret.From) {
		when = "is valid only from " + secret.From.UTC().Format(time.RFC3339)
	}
	return &Refusal{Cause: CauseExpiredSecret, Detail: fmt.Sprintf("it was made with secret %d of the source, which %s", verdict.Secret+1, when)}
}

// strange tries the secrets of other sources with this source's way of signing.
func (v *Verifier) strange(r *Request, s *shown, others map[string]*Verifier) *Refusal {
	tried := 0
	for _, name := range slices.Sorted(maps.Keys(others)) {
		for _, secret := range others[name].secrets {
			if tried++; tried > mostOthers {
				return nil
			}
			key, err := v.prepared(secret.Text)
			if err == nil && v.fits(r, s, key) == 1 {
				return &Refusal{Cause: CauseOtherSource, Detail: fmt.Sprintf("it was made with a secret of source %q; "+
					"compare the URL and the secret at the sender", name)}
			}
		}
	}
	return nil
}

// bodyAltered tries what proxies and frameworks do to bodies.
func (v *Verifier) bodyAltered(r *Request, s *shown) *Refusal {
	for _, variant := range v.proof.altered(r.Body) {
		changed := *r
		changed.Body = variant.body
		if v.match(&changed, s, func(secret Secret) bool { return secret.validAt(r.At) }).OK {
			return &Refusal{Cause: CauseBodyAltered, Detail: "the signature fits the body " + variant.how +
				"; something between the sender and here changes bodies"}
		}
	}
	return nil
}

// alteration is a body that the sender may have meant.
type alteration struct {
	body []byte
	how  string
}

func alterations(body []byte) []alteration {
	variants := []alteration{
		{bytes.TrimRight(body, "\r\n"), "without the line end behind it"},
		{append(bytes.Clone(body), '\n'), "with a line end behind it"},
		{append(bytes.Clone(body), "\r\n"...), "with a line end behind it"},
		{bytes.TrimSpace(body), "without the white space around it"},
		{bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), "with line ends of one character"},
		{nil, "left out"},
	}
	if unpacked := unpacked(body); unpacked != nil {
		variants = append(variants, alteration{unpacked, "unpacked"})
	}
	return append(variants, reencoded(body)...)
}

// reencoded are the usual ways to write the same JSON.
func reencoded(body []byte) []alteration {
	var compact bytes.Buffer
	if json.Compact(&compact, body) != nil {
		return nil
	}
	variants := []alteration{{compact.Bytes(), "with its JSON compacted"}}
	for _, indent := range []string{"  ", "    ", "\t"} {
		var indented bytes.Buffer
		if json.Indent(&indented, compact.Bytes(), "", indent) == nil && indented.Len() <= 2*LongestDiagnosed {
			variants = append(variants, alteration{indented.Bytes(), "with its JSON indented"})
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var document any
	if decoder.Decode(&document) != nil {
		return variants
	}
	for _, escape := range []bool{false, true} {
		var sorted bytes.Buffer
		encoder := json.NewEncoder(&sorted)
		encoder.SetEscapeHTML(escape)
		if encoder.Encode(document) == nil {
			variants = append(variants, alteration{bytes.TrimRight(sorted.Bytes(), "\n"), "with its JSON encoded anew"})
		}
	}
	spaced := strings.NewReplacer(`":`, `": `, `,"`, `, "`).Replace(compact.String())
	return append(variants, alteration{[]byte(spaced), "with spaces in its JSON"})
}

// unpacked is the body with gzip undone, nil when it is none.
func unpacked(body []byte) []byte {
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(reader, LongestDiagnosed))
	if err != nil {
		return nil
	}
	return content
}
