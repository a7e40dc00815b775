package proof

import (
	"crypto/rand"
	"fmt"
	"strconv"

	"sluice.internal/shared/proof/internal/request"
	"sluice.internal/shared/proof/internal/signed"
)

// Sign signs the draft's body, with its time and a new id where the signature covers these. It fails where only the sender
// has the key.
func (s signature) Sign(d *Draft, secret string) error {
	if s.IsPublic() {
		return fmt.Errorf("the sender signs with a private key (%s), which nobody has here; send a notification that was recorded, or try another way", s.Algorithm)
	}
	k, err := s.key(secret)
	if err != nil {
		return err
	}
	p := presented{timestamp: strconv.FormatInt(d.At.Unix(), 10)}
	if err := s.label(d, &p); err != nil {
		return err
	}
	if s.BodyDigestAt != "" && (!s.text.Has(signed.PlaceForm) || !request.IsForm(d.Header)) {
		if err := request.SetAt(d, s.BodyDigestAt, signed.BodyDigest(d.Body)); err != nil {
			return err
		}
	}
	if request.InBody(s.At) {
		d.Body = request.WithoutPlace(d.Received(), s.At)
	}
	value := s.Prefix + s.encode(s.code(k, d.Received(), &p))
	if s.StandardWebhooks {
		if value, err = signStandard(k.standard, s, d.Received(), &p); err != nil {
			return err
		}
	}
	if s.TimestampPrefix != "" {
		value = s.TimestampPrefix + p.timestamp + s.Separator + value
	}
	if s.Header == "" {
		return request.SetAt(d, s.At, value)
	}
	d.Header.Set(s.Header, value)
	return nil
}

// label puts time and id where they belong. An id that is there stays.
func (s signature) label(d *Draft, p *presented) error {
	if at := s.timestampPlaceOf(); at != "" {
		if err := request.SetAt(d, at, p.timestamp); err != nil {
			return err
		}
	}
	at := s.idPlaceOf()
	if at == "" {
		return nil
	}
	if p.id = request.TextAt(at, d.Received()); p.id == "" {
		p.id = "msg_" + rand.Text()
		return request.SetAt(d, at, p.id)
	}
	return nil
}

// timestampPlaceOf and idPlaceOf return the places of time and id, "" where there is none of their own.
func (s Signature) timestampPlaceOf() string {
	if s.TimestampHeader != "" {
		return request.InHeader + s.TimestampHeader
	}
	return s.TimestampAt
}

func (s Signature) idPlaceOf() string {
	if s.IDHeader != "" {
		return request.InHeader + s.IDHeader
	}
	return s.IDAt
}
