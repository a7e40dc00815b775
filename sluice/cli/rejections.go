package cli

import (
	"context"
	"strconv"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

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

type rejectionsListCommand struct {
	rejectionFilter
	window
	reach
}

func (rejectionsListCommand) Help() string {
	return `The oldest come first. --json has headers, without their secrets, and bodies.

Example:

    sluice rejections ls --cause wrong-token --since 1h`
}

// Run lists rejections.
func (c *rejectionsListCommand) Run(ctx context.Context, s *session) error {
	return c.look(ctx, s, func(streams *stream.Streams) error {
		query := c.query()
		query.Since, query.Limit, query.Follow = c.Since.at, c.Limit, c.Follow
		return rejections().print(ctx, s, c.window, streams.Rejections(ctx, query))
	})
}

// rejectionFilter says which rejections are meant.
type rejectionFilter struct {
	Cause  string `placeholder:"CAUSE" help:"Only those with this cause, such as wrong-token."`
	Source string `placeholder:"NAME" help:"Only those of this source."`
	Until  moment `placeholder:"TIME" help:"Only what was stored until then, as --since."`
}

func (f rejectionFilter) query() stream.Query {
	return stream.Query{Cause: f.Cause, Source: f.Source, Until: f.Until.at}
}

func rejections() *listing[notification.Rejection] {
	return &listing[notification.Rejection]{
		none: "No rejections.",
		columns: []column{
			{name: "RECEIVED", least: len(time.DateTime)},
			{name: "SEQUENCE", right: true},
			{name: "CAUSE", least: len("address-not-allowed")},
			{name: "SOURCE", least: len("green-api")},
			{name: "FROM", least: len("192.0.2.255")},
			{name: "METHOD"},
			{name: "PATH", least: len("/green-api/webhook/")},
			{name: "DETAIL"},
		},
		row: func(rejection *notification.Rejection) []string {
			return []string{
				when(rejection.ReceivedAt), strconv.FormatUint(rejection.Sequence, 10), rejection.Cause,
				rejection.Source, rejection.RemoteAddress, rejection.Method, rejection.Path, rejection.Detail,
			}
		},
		document: func(rejection *notification.Rejection) any { return newRejectionDocument(rejection) },
	}
}

type rejectionDocument struct {
	Sequence      uint64              `json:"sequence"`
	Cause         string              `json:"cause,omitempty"`
	Detail        string              `json:"detail,omitempty"`
	Skipped       uint64              `json:"skipped,omitempty"`
	Source        string              `json:"source,omitempty"`
	Method        string              `json:"method,omitempty"`
	Path          string              `json:"path,omitempty"`
	RemoteAddress string              `json:"remote_address,omitempty"`
	RequestID     string              `json:"request_id,omitempty"`
	ReceivedAt    time.Time           `json:"received_at,omitzero"`
	Headers       map[string][]string `json:"headers,omitempty"`
	Truncated     bool                `json:"truncated,omitempty"`
	ContentType   string              `json:"content_type,omitempty"`
	payload
}

func newRejectionDocument(rejection *notification.Rejection) rejectionDocument {
	return rejectionDocument{
		Sequence: rejection.Sequence, Cause: rejection.Cause, Detail: rejection.Detail, Skipped: rejection.Skipped,
		Source: rejection.Source, Method: rejection.Method, Path: rejection.Path,
		RemoteAddress: rejection.RemoteAddress, RequestID: rejection.RequestID,
		ReceivedAt: rejection.ReceivedAt.UTC(), Headers: rejection.Header, Truncated: rejection.Truncated,
		ContentType: rejection.ContentType, payload: newPayload(rejection.Body),
	}
}
