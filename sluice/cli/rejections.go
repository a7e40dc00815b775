package cli

import (
	"context"
	"strconv"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

type rejectionsCommand struct {
	Cause  string `placeholder:"CAUSE" help:"Only those with this cause, such as wrong-token."`
	Source string `placeholder:"NAME" help:"Only those of this source."`
	window
	reach
}

func (rejectionsCommand) Help() string {
	return `The oldest come first. --json has headers, without their secrets, and bodies.

Example:

    sluice rejections --cause wrong-token --since 1h`
}

// Run lists rejections.
func (c *rejectionsCommand) Run(ctx context.Context, s *session) error {
	return c.look(ctx, s, func(streams *stream.Streams) error {
		return rejections().print(ctx, s, c.window, streams.Rejections(ctx, stream.Query{
			Cause: c.Cause, Source: c.Source,
			Since: c.Since.at, Limit: c.Limit, Follow: c.Follow,
		}))
	})
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
		Sequence: rejection.Sequence, Cause: rejection.Cause, Detail: rejection.Detail,
		Source: rejection.Source, Method: rejection.Method, Path: rejection.Path,
		RemoteAddress: rejection.RemoteAddress, RequestID: rejection.RequestID,
		ReceivedAt: rejection.ReceivedAt.UTC(), Headers: rejection.Header, Truncated: rejection.Truncated,
		ContentType: rejection.ContentType, payload: newPayload(rejection.Body),
	}
}
