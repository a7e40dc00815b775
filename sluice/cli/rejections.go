package cli

import (
	"context"
	"strconv"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// rejectionsCommand is `sluice rejections` with all that is done to refused requests.
type rejectionsCommand struct {
	Ls     rejectionsListCommand   `cmd:"" default:"withargs" help:"List rejections; what \"sluice rejections\" does by itself."`
	Show   rejectionsShowCommand   `cmd:"" help:"Show all that is known of rejections."`
	Accept rejectionsAcceptCommand `cmd:"" help:"Let in what the present configuration accepts."`
}

func (rejectionsCommand) Help() string {
	return `A rejection is a request that the gateway refused. Those of senders whose secret was configured wrongly can be ` +
		`let in once it is right. "sluice rejections" has the flags of "sluice rejections ls".

Example:

    sluice rejections --cause wrong-secret --since 1h`
}

// rejectionsListCommand is `sluice rejections ls`.
type rejectionsListCommand struct {
	rejectionFilter
	listingFlags
	connectFlags
}

func (rejectionsListCommand) Help() string {
	return `The oldest come first. --json has headers, without their secrets, and bodies.

Example:

    sluice rejections ls --cause wrong-token --since 1h`
}

// Run lists rejections, oldest first.
func (c *rejectionsListCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		query := c.query()
		query.Since, query.Limit, query.Follow = c.Since.at, c.Limit, c.Follow
		return printListing(ctx, s, rejections(), c.form(), streams.Rejections(ctx, query))
	})
}

// rejectionFilter says which rejections are meant. It is comparable, so that a command knows whether any filter was given.
type rejectionFilter struct {
	Cause  string `placeholder:"CAUSE" help:"Only those with this cause, such as wrong-token."`
	Source string `placeholder:"NAME" help:"Only those of this source."`
	Until  moment `placeholder:"TIME" help:"Only what was stored until then, as --since."`
}

func (f rejectionFilter) query() admin.Query {
	return admin.Query{Cause: f.Cause, Source: f.Source, Until: f.Until.at}
}

// rejections says how refused requests are listed. Everything in a row but time and sequence may be a stranger's text.
func rejections() *term.Listing[notification.Rejection] {
	return &term.Listing[notification.Rejection]{
		None: "No rejections.",
		Columns: []term.Column{
			{Name: "RECEIVED", MinWidth: len(time.DateTime)},
			{Name: "SEQUENCE", Right: true},
			{Name: "CAUSE", MinWidth: len("address-not-allowed")},
			{Name: "SOURCE", MinWidth: len("green-api")},
			{Name: "FROM", MinWidth: len("192.0.2.255")},
			{Name: "METHOD"},
			{Name: "PATH", MinWidth: len("/green-api/webhook/")},
			{Name: "DETAIL"},
		},
		Row: func(rejection *notification.Rejection) []string {
			return []string{
				term.Time(rejection.ReceivedAt), strconv.FormatUint(rejection.Sequence, 10), rejection.Cause,
				rejection.Source, rejection.RemoteAddress, rejection.Method, rejection.Path, rejection.Detail,
			}
		},
		Document: func(rejection *notification.Rejection) any { return newRejectionDocument(rejection) },
	}
}

// rejectionDocument is a refused request as --json prints it. Header fields have their secrets replaced already: the
// gateway keeps none.
type rejectionDocument struct {
	Sequence uint64 `json:"sequence"`
	// Cause is a stable word such as "wrong-token", Detail what is probably wrong, in a sentence.
	Cause  string `json:"cause,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Skipped is the number of requests that this one stands for. They were only counted, so it has no body and header.
	Skipped       uint64              `json:"skipped,omitempty"`
	Source        string              `json:"source,omitempty"`
	Method        string              `json:"method,omitempty"`
	Path          string              `json:"path,omitempty"`
	RemoteAddress string              `json:"remote_address,omitempty"`
	RequestID     string              `json:"request_id,omitempty"`
	ReceivedAt    time.Time           `json:"received_at,omitzero"`
	Headers       map[string][]string `json:"headers,omitempty"`
	// Truncated says that the body is the beginning of a longer one. Such a rejection can't be accepted.
	Truncated   bool   `json:"truncated,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	payload
}

// newRejectionDocument leaves out what was kept to verify the request later. It is no secret, and of use to nobody else.
func newRejectionDocument(rejection *notification.Rejection) rejectionDocument {
	return rejectionDocument{
		Sequence: rejection.Sequence, Cause: rejection.Cause, Detail: rejection.Detail, Skipped: rejection.Skipped,
		Source: rejection.Source, Method: rejection.Method, Path: rejection.Path,
		RemoteAddress: rejection.RemoteAddress, RequestID: rejection.RequestID,
		ReceivedAt: rejection.ReceivedAt.UTC(), Headers: rejection.Header, Truncated: rejection.Truncated,
		ContentType: rejection.ContentType, payload: newPayload(rejection.Body),
	}
}
