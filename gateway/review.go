package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"sluice.internal/gateway/budget"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// Review looks at refused requests again, with other sources than those that refused them. It does what webhook does,
// with a request that was kept.
type Review struct {
	bodyLimit int64
	sources   map[string]*source.Configured
}

// NewReview makes a review by the sources. BodyLimit is the largest body, in bytes, that is accepted of any
// of them; each has a limit of its own besides.
func NewReview(sources []*source.Configured, bodyLimit int64) *Review {
	review := &Review{bodyLimit: bodyLimit, sources: map[string]*source.Configured{}}
	for _, one := range sources {
		review.sources[one.Name] = one
	}
	return review
}

// Notification makes of a rejection what the gateway would have made of the request, at the time when it came. The error
// says why that can't be: to the operator, and without secrets. Vouched takes the request whoever sent it. As names the source
// that a request at an unknown path was meant for; without it that is the one which listens at this path now.
func (r *Review) Notification(rejection *notification.Rejection, as string, vouched bool) (*notification.Notification, error) {
	if rejection.Skipped > 0 {
		return nil, errors.New("it stands for requests that were not kept")
	}
	from, err := r.sourceOf(rejection, as)
	if err != nil {
		return nil, err
	}
	if rejection.Truncated {
		return nil, errors.New("only the beginning of its body was kept")
	}
	x := storedExchange(rejection, from)
	if !vouched {
		if err := authenticateStored(x, rejection); err != nil {
			return nil, err
		}
	}
	return r.notification(x, rejection)
}

// sourceOf returns the source that a rejection belongs to.
func (r *Review) sourceOf(rejection *notification.Rejection, as string) (*source.Configured, error) {
	name := rejection.Source
	if name == "" {
		name = as
	}
	if from, known := r.sources[name]; known {
		return from, nil
	}
	if name != "" {
		return nil, fmt.Errorf("the configuration has no source %q; it has %s",
			name, strings.Join(slices.Sorted(maps.Keys(r.sources)), ", "))
	}
	for _, from := range r.sources {
		if from.Path == strings.TrimSuffix(rejection.Path, "/") {
			return from, nil
		}
	}
	return nil, fmt.Errorf("no source of the configuration listens at %q; name the one that it was meant for with --as", rejection.Path)
}

// storedExchange makes an exchange of a rejection. It has no connection, so nothing can be read or written.
func storedExchange(rejection *notification.Rejection, from *source.Configured) *exchange {
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
	// A query was kept as fields of the header, each with the secrets taken out of it.
	query := url.Values{}
	for name, values := range header {
		if parameter, ok := strings.CutPrefix(name, source.QueryField); ok {
			query[parameter] = values
			delete(header, name)
		}
	}
	request := &http.Request{
		Method: rejection.Method, URL: &url.URL{Path: rejection.Path, RawQuery: cmp.Or(rejection.Query, query.Encode())}, Header: header,
	}
	return &exchange{
		request: request, source: from, id: rejection.RequestID, client: client, began: rejection.ReceivedAt,
		proof: proof.Request{
			Method: request.Method, Path: request.URL.Path, Rest: restOf(request.URL.Path, from), Query: request.URL.Query(), RawQuery: request.URL.RawQuery,
			Header: header, Body: rejection.Body, Remote: client, At: rejection.ReceivedAt,
		},
	}
}

// authenticateStored is authenticate for a rejection, of whose tokens there are digests.
func authenticateStored(x *exchange, rejection *notification.Rejection) error {
	// What came by GET is kept as the form that its query is, with that as its body.
	if method := x.request.Method; method != http.MethodPost && (method != http.MethodGet || !x.source.Provider.TakesGET) {
		return fmt.Errorf("%w: it is %q", errMethodNotAllowed, x.request.Method)
	}
	if !x.source.Allow.Allows(x.client) {
		return addressError(x)
	}
	if verifier := x.source.Verifier; verifier != nil && !verifier.VerifyStored(&x.proof, rejection.TokenDigests).OK {
		hints := proof.Hints{SignatureHeaders: source.SignatureHeaders()}
		return fmt.Errorf("still refused: %w", verifier.DiagnoseStored(&x.proof, rejection.TokenDigests, hints))
	}
	return nil
}

// notification is what the gateway would have stored.
func (r *Review) notification(x *exchange, rejection *notification.Rejection) (*notification.Notification, error) {
	limit := min(r.bodyLimit, x.source.BodyLimit)
	if size := int64(len(rejection.Body)); size > limit {
		return nil, fmt.Errorf("%w: it has %d bytes, %d are taken", errBodyTooLarge, size, limit)
	}
	// The command that asks has one request at a time, so that its memory needs no bound but the body's limit.
	memory := budget.New(budget.Settings{Size: math.MaxInt64 / 4}).Reserve(budget.Request{Verified: true, MaxBody: limit})
	body, encoding, err := unpackBody(x.request.Header, rejection.Body, memory, limit)
	if err != nil {
		return nil, err
	}
	x.proof.Body = body
	if _, ok, err := x.source.Challenged(&x.proof, 0); ok || err != nil {
		return nil, errors.New("it only asks whether somebody listens, and is no notification")
	}
	return newNotification(x, body, encoding, rejection.ReceivedAt), nil
}
