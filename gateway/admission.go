package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/time/rate"

	"sluice.internal/shared/source"
)

// inlet is a source with what is made of its settings.
type inlet struct {
	Source

	// verifier is nil where everybody may send.
	verifier *source.Verifier
	// fields are the request's fields that travel with a notification, and reading how it is read.
	fields  []string
	reading string
	// strangers and senders are how many of its rejections are kept.
	strangers, senders *rate.Limiter
	refused            refusals
}

// newInlets makes the inlets of sources that were checked.
func newInlets(sources []Source) []*inlet {
	inlets := make([]*inlet, len(sources))
	for i, from := range sources {
		made := &inlet{
			Source: from, fields: slices.Clone(from.Provider.Header), strangers: newLimit(), senders: newLimit(),
		}
		if from.Provider.Configurable {
			made.fields = append(made.fields, from.Reading.Fields()...)
			made.reading = from.Reading.Encode()
		}
		if !from.NoAuth {
			verifier, err := source.NewVerifier(from.Proof, from.secrets()...)
			if err != nil {
				panic(err) // The settings were checked.
			}
			made.verifier = verifier
		}
		inlets[i] = made
	}
	return inlets
}

// coversBody tells whether the body must be read before it is known who sends.
func (in *inlet) coversBody() bool { return in.verifier != nil && in.verifier.CoversBody() }

// admitAddress tells whether the client's address may send.
func (in *inlet) admitAddress(v *visit) error {
	if !in.Allow.Allows(v.client) {
		return fmt.Errorf("%w: %s", errAddressNotAllowed, v.whence())
	}
	return nil
}

// admit tells whether the request proves that it comes from the sender.
func (in *inlet) admit(v *visit) error {
	if in.verifier != nil {
		request := v.evidence()
		if !v.verify(request) {
			v.refused = request
			return errUnauthorized
		}
	}
	v.admitted = true
	return nil
}

// verify is the verifier's word on a request, or on one that was kept.
func (v *visit) verify(request *source.Request) bool {
	if v.kept != nil {
		return v.from.verifier.VerifyKept(request, v.kept.Sealed).OK
	}
	return v.from.verifier.Verify(request).OK
}

// evidence is the request as verifiers see it.
func (v *visit) evidence() *source.Request {
	path := v.request.URL.Path
	return &source.Request{
		Method: v.request.Method, Path: path, Rest: v.rest(), Query: v.request.URL.Query(), Header: v.request.Header,
		Body: v.read, Remote: v.client, Peer: v.peer, At: v.at,
	}
}

// rest is what follows the source's own path.
func (v *visit) rest() string {
	if v.from == nil {
		return ""
	}
	return strings.Trim(strings.TrimPrefix(v.request.URL.Path, v.from.Path), "/")
}

// shownPath is the path for the operator, without what may be a secret in it.
func (v *visit) shownPath() string {
	if v.from != nil && v.rest() != "" {
		return v.from.Path + "/[redacted]"
	}
	return v.request.URL.Path
}

func (v *visit) whence() string {
	if !v.client.IsValid() {
		return "the client's address is not known"
	}
	return v.client.String()
}

// diagnosis finds out what was wrong with a request that did not prove who sent it, nil when there is nothing to find
// out. It may be called after the answer, and then only.
func (g *Gateway) diagnosis(v *visit) func() *source.Refusal {
	if v.refused == nil {
		return nil
	}
	request, verifier, others := v.refused, v.from.verifier, map[string]*source.Verifier{}
	for _, other := range g.inlets {
		if other != v.from && other.verifier != nil {
			others[other.Name] = other.verifier
		}
	}
	if len(request.Body) > source.LongestDiagnosed { // A copy lets go of the rest.
		request.Body = slices.Clone(request.Body[:source.LongestDiagnosed+1])
	}
	return func() *source.Refusal { return verifier.Diagnose(request, others) }
}

// generalCause is the stable word for a refusal and what more there is to say.
func generalCause(err error, general string) (cause, detail string) {
	if errors.Is(err, errUnauthorized) {
		return general, "the request does not prove where it comes from"
	}
	return general, err.Error()
}

// carried are the request's fields that travel with the notification.
func (in *inlet) carried(header http.Header) map[string]string {
	var fields map[string]string
	for _, name := range in.fields {
		value := header.Get(name)
		if value == "" {
			continue
		}
		if fields == nil {
			fields = make(map[string]string, len(in.fields))
		}
		fields[name] = value
	}
	return fields
}
