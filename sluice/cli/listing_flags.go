package cli

import (
	"context"
	"errors"
	"iter"
	"time"

	"sluice.internal/sluice/cli/term"
)

// listingFlags choose the part of a stream that is listed, and the form.
type listingFlags struct {
	Since  moment `placeholder:"TIME" help:"Only what was stored since: 1h is an hour ago; or a time as in RFC 3339."`
	Limit  int    `placeholder:"N" help:"Only the newest N (default: all)."`
	Follow bool   `short:"f" help:"Go on with what comes, until interrupted."`
	JSON   bool   `name:"json" help:"Print one JSON object a line."`
}

// Validate refuses what can't be meant.
func (f listingFlags) Validate() error {
	if f.Limit < 0 {
		return errors.New("--limit must not be negative")
	}
	return nil
}

func (f listingFlags) form() term.Form { return term.Form{JSON: f.JSON, Follow: f.Follow} }

// printListing writes items in the form that was asked for.
func printListing[T any](
	ctx context.Context, s *session, listing *term.Listing[T], form term.Form, items iter.Seq2[T, error],
) error {
	return listing.Print(ctx, s.out, s.diagnostics, form, items)
}

// moment is a point in time, written as such or as how long ago it was. The zero moment is no bound. A duration counts from
// when the command line is read, so that two of them in one command agree.
type moment struct{ at time.Time }

// UnmarshalText reads "90m" or "2026-11-23T07:00:00Z".
func (m *moment) UnmarshalText(text []byte) (err error) {
	if ago, err := time.ParseDuration(string(text)); err == nil {
		m.at = time.Now().Add(-ago)
		return nil
	}
	if m.at, err = time.Parse(time.RFC3339, string(text)); err != nil {
		return errors.New("must be a duration such as 90m or 24h, or a time such as 2026-11-23T07:00:00Z")
	}
	return nil
}
