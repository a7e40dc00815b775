package gateway

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"sluice.internal/shared/notification"
)

// Review looks at refused requests again, with other settings than those that they were refused with.
type Review struct {
	bodyLimit int64
	inlets    map[string]*inlet
}

// NewReview makes a review by the settings. All their faults are in the error.
func NewReview(settings Settings) (*Review, error) {
	settings = settings.withDefaults()
	if err := settings.check(settings.BodyLimit); err != nil {
		return nil, fmt.Errorf("check settings of the gateway: %w", err)
	}
	review := &Review{bodyLimit: settings.BodyLimit, inlets: map[string]*inlet{}}
	for _, in := range newInlets(settings.Sources) {
		review.inlets[in.Name] = in
	}
	return review, nil
}

// Notification makes of a rejection what the gateway would have made of the request, at the time when it came. The error
// says why that can't be: to the operator, and without secrets. Vouched takes the request whoever sent it.
func (r *Review) Notification(rejection *notification.Rejection, vouched bool) (*notification.Notification, error) {
	from, known := r.inlets[rejection.Source]
	switch {
	case rejection.Skipped > 0:
		return nil, errors.New("it stands for requests that were not kept")
	case !known:
		return nil, fmt.Errorf("the configuration has no source %q; it has %s",
			rejection.Source, strings.Join(slices.Sorted(maps.Keys(r.inlets)), ", "))
	case rejection.Truncated:
		return nil, errors.New("only the beginning of its body was kept")
	}
	v := revisit(rejection, from)
	if err := v.admitAgain(vouched); err != nil {
		return nil, err
	}
	return v.notification(r.bodyLimit)
}

// revisit makes a visit of a rejection.
func revisit(rejection *notification.Rejection, from *inlet) *visit {
	client, err := netip.ParseAddr(rejection.RemoteAddress)
	if err != nil {
		client = netip.Addr{}
	}
	header := http.Header(maps.Clone(rejection.Header))
	if header == nil {
		header = http.Header{}
	}
	if rejection.ContentType != "" {
		header.Set("Content-Type", rejection.ContentType)
	}
	return &visit{
		request: &http.Request{Method: rejection.Method, URL: &url.URL{Path: rejection.Path}, Header: header},
		from:    from, kept: rejection, id: rejection.RequestID, client: client, at: rejection.ReceivedAt,
		read: rejection.Body, began: rejection.ReceivedAt,
	}
}

// admitAgain checks what the gateway checks, unless somebody vouches for the sender.
func (v *visit) admitAgain(vouched bool) error {
	if vouched {
		return nil
	}
	if v.request.Method != http.MethodPost {
		return fmt.Errorf("%w: it is %q", errMethodNotAllowed, v.request.Method)
	}
	if err := v.from.admitAddress(v); err != nil {
		return err
	}
	if err := v.from.admit(v); err != nil {
		return fmt.Errorf("still refused: %w", v.from.verifier.DiagnoseKept(v.refused, v.kept.Sealed))
	}
	return nil
}

// notification is what the gateway would have stored.
func (v *visit) notification(bodyLimit int64) (*notification.Notification, error) {
	if size := int64(len(v.read)); size > bodyLimit {
		return nil, fmt.Errorf("%w: it has %d bytes, %d are taken", errBodyTooLarge, size, bodyLimit)
	}
	body, encoding, err := v.unpack(bodyLimit)
	if err != nil {
		return nil, err
	}
	if challenge := v.from.Provider.Challenge; challenge != nil {
		if _, ok := challenge(body); ok {
			return nil, errors.New("it only asks whether somebody listens, and is no notification")
		}
	}
	return newNotification(v, body, encoding), nil
}
