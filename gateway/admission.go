package gateway

import (
	"errors"
	"fmt"

	"sluice.internal/shared/source"
)

// inlet is a source with its verifier made.
type inlet struct {
	Source

	// verify is nil where everybody may send.
	verify source.Verifier
}

func newInlets(sources []Source) []*inlet {
	inlets := make([]*inlet, len(sources))
	for i, from := range sources {
		inlets[i] = &inlet{Source: from}
		if !from.NoAuth {
			inlets[i].verify = from.Provider.Verify(from.Tokens)
		}
	}
	return inlets
}

// admit tells whether the sender may send, from the header alone.
func (in *inlet) admit(v *visit) error {
	if !in.Allow.Allows(v.client) {
		return fmt.Errorf("%w: %s", errAddressNotAllowed, v.whence())
	}
	if in.verify != nil {
		if err := in.verify(v.request.Header); err != nil {
			return fmt.Errorf("%w: %w", errUnauthorized, err)
		}
	}
	v.admitted = true
	return nil
}

func (v *visit) whence() string {
	if !v.client.IsValid() {
		return "the client's address is not known"
	}
	return v.client.String()
}

// causeOf returns the stable word for a refusal and what more there is to say. A verifier knows better than
// the status does.
func causeOf(err error, general string) (cause, detail string) {
	var refusal *source.Refusal
	if errors.As(err, &refusal) {
		return refusal.Cause, refusal.Detail
	}
	return general, err.Error()
}
